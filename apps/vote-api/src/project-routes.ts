import {
  createProjectBodySchema,
  entityIdSchema,
  listProjectsQuerySchema,
  PROJECT_SORTS,
  type ProjectCounts,
  type ProjectRecord,
  projectView,
  type RedisNames,
} from "@votesync/core";
import {
  createProject,
  DuplicateProjectError,
  findProjects,
  listProjects,
  type PostgresConnection,
  type ProjectCursor,
} from "@votesync/postgres-store";
import { type RedisClient, readCounts } from "@votesync/redis-store";
import { problem } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import type { AddToBoard } from "./add-to-board.js";
import { identityOf } from "./authenticate.js";
import { formatCursor, parseCursor } from "./cursor.js";

export interface ProjectRoutesDeps {
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
  /** Whether what Redis says now can be relied on. */
  redisUsable: () => boolean;
  addToBoard: AddToBoard;
  now: () => Date;
}

type NewProject = Parameters<typeof createProject>[1];

/** The handlers of everything below `/api/projects`. Counters shown are the live ones of Redis where it has them. */
export function projectRoutes(deps: ProjectRoutesDeps) {
  const { prisma } = deps.postgres;

  async function create(req: Request, res: Response): Promise<void> {
    const { id = uuidv7(), title, url = null, board_id: boardId = null } = createProjectBodySchema.parse(req.body);
    const ownerId = identityOf(res).userId;
    const project =
      boardId === null
        ? await createOutsideBoards({ id, title, url, boardId, ownerId })
        : await deps.addToBoard({ id, title, url, boardId, ownerId }, { needsBoard: false });
    res
      .status(201)
      .location(`/api/projects/${encodeURIComponent(id)}`)
      .json(projectView(project));
  }

  async function createOutsideBoards(project: NewProject): Promise<ProjectRecord> {
    try {
      return await createProject(prisma, project, deps.now());
    } catch (error) {
      if (error instanceof DuplicateProjectError) throw problem(409, "A project with this id exists.");
      throw error;
    }
  }

  async function get(req: Request, res: Response): Promise<void> {
    const id = entityIdSchema.safeParse(req.params.id);
    const [project] = id.success ? await findProjects(prisma, [id.data]) : [];
    if (project === undefined) throw problem(404, "There is no such project.");
    const [view] = await withLiveCounts(deps, [project]);
    res.json(view);
  }

  async function list(req: Request, res: Response): Promise<void> {
    const query = listProjectsQuerySchema.parse(req.query);
    if (query.ids !== undefined) {
      res.json({ projects: await withLiveCounts(deps, await findProjects(prisma, query.ids)), next_cursor: null });
      return;
    }
    const after = query.cursor === undefined ? undefined : parseCursor(cursorOf(query.sort), query.cursor);
    const page = await listProjects(prisma, { ...query, boardId: query.board_id, after });
    res.json({
      projects: await withLiveCounts(deps, page.projects),
      next_cursor: page.next === null ? null : formatCursor(page.next),
    });
  }

  return { create, get, list };
}

/**
 * Without Redis the counters of PostgreSQL are shown: a little late, never wrong. They are also the newer ones of a project
 * on which votes went past Redis, until it knows of them.
 */
async function withLiveCounts(deps: ProjectRoutesDeps, projects: ProjectRecord[]) {
  const live = await readLiveCounts(deps, projects);
  return projects.map((project) => {
    const counts = live.get(project.id);
    return projectView(project, counts !== undefined && counts.version >= project.version ? counts : project);
  });
}

async function readLiveCounts(deps: ProjectRoutesDeps, projects: ProjectRecord[]): Promise<Map<string, ProjectCounts>> {
  if (!deps.redisUsable()) return new Map();
  const ids = projects.map(({ id }) => id);
  return readCounts(deps.redis, deps.names, ids).catch(() => new Map());
}

const cursorSchema = z.strictObject({
  sort: z.enum(PROJECT_SORTS),
  key: z.number(),
  id: entityIdSchema,
}) satisfies z.ZodType<ProjectCursor>;

const cursorOf = (sort: ProjectCursor["sort"]) =>
  cursorSchema.refine((cursor) => cursor.sort === sort && isStorable(cursor));

/** Made-up keys must not reach the database as values its columns cannot hold. */
function isStorable({ sort, key }: ProjectCursor): boolean {
  if (sort === "top") return Number.isSafeInteger(key);
  return sort !== "new" || (Number.isSafeInteger(key) && Math.abs(key) < 8.64e15 && key >= 0);
}
