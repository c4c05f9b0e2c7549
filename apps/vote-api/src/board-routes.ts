/** Boards: made, found, listed. */
import { boardView, createBoardBodySchema, entityIdSchema, type JamBoard, listBoardsQuerySchema } from "@votesync/core";
import { createBoard, findBoard, listBoards, type PostgresConnection } from "@votesync/postgres-store";
import { problem } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { identityOf } from "./authenticate.js";
import { formatCursor, parseCursor } from "./cursor.js";

const MAX_MS = 8.64e15;
const cursorSchema = z.strictObject({ at: z.int().min(0).max(MAX_MS), id: entityIdSchema });

export function boardRoutes({ postgres: { pool } }: { postgres: PostgresConnection }) {
  /** `POST /api/boards` */
  async function create(req: Request, res: Response): Promise<void> {
    const { id = uuidv7(), title, mode } = createBoardBodySchema.parse(req.body);
    const board = await createBoard(pool, { id, title, mode, ownerId: identityOf(res).userId });
    if (board === null) throw problem(409, "A board with this id exists.");
    res
      .status(201)
      .location(`/api/boards/${encodeURIComponent(id)}`)
      .json(boardView(board));
  }

  /** `GET /api/boards/:id` */
  async function get(req: Request, res: Response): Promise<void> {
    const id = entityIdSchema.safeParse(req.params.id);
    const board = id.success ? await findBoard(pool, id.data) : null;
    if (board === null) throw problem(404, "There is no such board.");
    res.json(boardView(board));
  }

  /** `GET /api/boards` */
  async function list(req: Request, res: Response): Promise<void> {
    const { limit, cursor } = listBoardsQuerySchema.parse(req.query);
    const boards = await listBoards(pool, { after: afterOf(cursor), limit: limit + 1 });
    const page = boards.slice(0, limit);
    const last = boards.length > limit ? (page.at(-1) as JamBoard) : null;
    res.json({
      boards: page.map(boardView),
      next_cursor: last === null ? null : formatCursor({ at: last.createdAt.getTime(), id: last.id }),
    });
  }

  return { create, get, list };
}

function afterOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const { at, id } = parseCursor(cursorSchema, cursor);
  return { createdAtMs: at, id };
}
