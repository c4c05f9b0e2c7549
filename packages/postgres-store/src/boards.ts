/**
 * Boards: which streams they have, and which is the active one. Whatever changes that locks the board's row and moves its
 * version on, so whoever has read the board can say whether it is still that one.
 */
import {
  type BoardMode,
  hotRank,
  type JamBoard,
  MAX_QUEUED_STREAMS,
  type ProjectCounts,
  type StreamInfo,
} from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

const NOW_US = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const NEXT_VERSION = `greatest(version + 1, ${NOW_US})`;

interface BoardRow {
  id: string;
  title: string;
  mode: BoardMode;
  owner_id: string;
  created_at: Date;
}

const toBoard = (row: BoardRow): JamBoard => ({
  id: row.id,
  title: row.title,
  mode: row.mode,
  ownerId: row.owner_id,
  createdAt: row.created_at,
});

/** @returns `null` when the id is taken */
export async function createBoard(pool: pg.Pool, board: Omit<JamBoard, "createdAt">): Promise<JamBoard | null> {
  const { rows } = await pool.query<BoardRow>(
    `INSERT INTO boards (id, title, mode, owner_id, version) VALUES ($1, $2, $3, $4, ${NOW_US})
     ON CONFLICT DO NOTHING RETURNING *`,
    [board.id, board.title, board.mode, board.ownerId],
  );
  return rows[0] === undefined ? null : toBoard(rows[0]);
}

export async function findBoard(pool: pg.Pool, id: string): Promise<JamBoard | null> {
  const { rows } = await pool.query<BoardRow>("SELECT * FROM boards WHERE id = $1", [id]);
  return rows[0] === undefined ? null : toBoard(rows[0]);
}

/** The newest first. */
export async function listBoards(
  pool: pg.Pool,
  o: { after?: { createdAtMs: number; id: string } | undefined; limit: number },
): Promise<JamBoard[]> {
  const { rows } = await pool.query<BoardRow>(
    `SELECT * FROM boards
      WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2)
      ORDER BY created_at DESC, id DESC LIMIT $3`,
    [o.after === undefined ? null : new Date(o.after.createdAtMs), o.after?.id ?? "", o.limit],
  );
  return rows.map(toBoard);
}

/** What is to be known of a board before what Redis says of it is believed. */
export interface BoardHead {
  /** Its version when streams last came or went, or what was kept ready of it became out of date. */
  structure: number;
  /** Streams on which votes went past Redis that it does not know yet, with their counters here. */
  degraded: Map<string, ProjectCounts>;
}

type CountsOf = ProjectCounts & { id: string };

/** @returns `null` when there is no such board */
export async function readBoardHead(pool: pg.Pool, id: string): Promise<BoardHead | null> {
  const { rows } = await pool.query<{ version: number; degraded: CountsOf[] }>({
    name: "read-board-head",
    text: `SELECT b.version,
                  (SELECT coalesce(json_agg(json_build_object('id', p.id, 'upvotes', p.upvotes, 'downvotes', p.downvotes,
                                                              'version', p.version)), '[]')
                     FROM (SELECT DISTINCT project_id FROM outbox WHERE recovered_at IS NULL) o
                     JOIN projects p ON p.id = o.project_id
                    WHERE p.board_id = b.id) AS degraded
             FROM boards b WHERE b.id = $1`,
    values: [id],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const degraded = row.degraded.map(({ id: streamId, ...counts }) => [streamId, counts] as const);
  return { structure: row.version, degraded: new Map(degraded) };
}

/** A board's streams, with their counters as of the last applied batch. */
export interface BoardStreams {
  structure: number;
  active: StreamInfo | null;
  /** The oldest first. */
  queue: StreamInfo[];
  counts: Map<string, ProjectCounts>;
}

interface StreamRow extends ProjectCounts {
  structure: number;
  is_active: boolean;
  id: string | null;
  title: string;
  url: string | null;
  created_at: Date;
}

/** One statement, so one snapshot. `null` when there is no such board. */
export async function readBoardStreams(pool: pg.Pool, id: string): Promise<BoardStreams | null> {
  const { rows } = await pool.query<StreamRow>(
    `SELECT b.version AS structure, p.id IS NOT DISTINCT FROM b.active_id AS is_active, p.id, p.title, p.url, p.created_at,
            p.upvotes, p.downvotes, p.version
       FROM boards b
       LEFT JOIN LATERAL (
         (SELECT * FROM projects WHERE board_id = b.id AND left_queue_at IS NULL ORDER BY created_at, id LIMIT $2)
          UNION ALL
         SELECT * FROM projects WHERE id = b.active_id) p ON true
      WHERE b.id = $1`,
    [id, MAX_QUEUED_STREAMS],
  );
  const [first] = rows;
  if (first === undefined) return null;
  const streams = rows.filter(({ id: streamId }) => streamId !== null) as (StreamRow & { id: string })[];
  return {
    structure: first.structure,
    active: streams.filter((row) => row.is_active).map(toInfo)[0] ?? null,
    queue: streams.filter((row) => !row.is_active).map(toInfo),
    counts: new Map(streams.map(({ id: of, upvotes, downvotes, version }) => [of, { upvotes, downvotes, version }])),
  };
}

const toInfo = (row: StreamRow & { id: string }): StreamInfo => ({
  id: row.id,
  title: row.title,
  url: row.url,
  createdAtMs: row.created_at.getTime(),
});

/** `taken`: a project has this id. `full`: as many wait as may wait. `no-board`: there is none of this id. */
export type NewStreamOutcome = { kind: "created"; createdAt: Date } | { kind: "taken" | "full" | "no-board" };

export interface NewStream {
  id: string;
  title: string;
  url: string | null;
  ownerId: string;
  boardId: string;
}

/**
 * Makes a project on a board.
 * @param needsBoard without it, the board's name may be one that nobody has made a board of
 */
export async function createStream(
  pool: pg.Pool,
  stream: NewStream,
  { needsBoard, now }: { needsBoard: boolean; now: Date },
): Promise<NewStreamOutcome> {
  return inTransaction(pool, async (client) => {
    const board = await client.query("SELECT FROM boards WHERE id = $1 FOR UPDATE", [stream.boardId]);
    if (board.rowCount === 0 && needsBoard) return { kind: "no-board" };
    if (board.rowCount === 1 && (await countQueue(client, stream.boardId)) >= MAX_QUEUED_STREAMS)
      return { kind: "full" };
    const { rowCount } = await client.query(
      `INSERT INTO projects (id, title, url, owner_id, board_id, created_at, rank_hot) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT DO NOTHING`,
      [stream.id, stream.title, stream.url, stream.ownerId, stream.boardId, now, hotOf(now)],
    );
    if (rowCount === 0) return { kind: "taken" };
    await client.query(`UPDATE boards SET version = ${NEXT_VERSION} WHERE id = $1`, [stream.boardId]);
    return { kind: "created", createdAt: now };
  });
}

const hotOf = (now: Date) => hotRank({ upvotes: 0, downvotes: 0 }, now.getTime());

async function countQueue(client: pg.PoolClient, boardId: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM projects WHERE board_id = $1 AND left_queue_at IS NULL",
    [boardId],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Makes one stream the active one, and takes it out of the queue; `null`: none is active any more.
 * @param o.structure the version at which the board was read
 * @returns `false` when streams came or went meanwhile: read it again
 */
export async function activateStream(
  pool: pg.Pool,
  o: { boardId: string; streamId: string | null; structure: number },
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE boards SET active_id = $2, version = ${NEXT_VERSION} WHERE id = $1 AND version = $3`,
      [o.boardId, o.streamId, o.structure],
    );
    if (rowCount === 0) return false;
    await client.query("UPDATE projects SET left_queue_at = now() WHERE id = $1", [o.streamId]);
    return true;
  });
}

/**
 * Makes whoever reads the board from now on read the counters of all its streams anew: what is kept ready may lack a vote.
 * Nothing happens where there is no such board.
 */
export async function outdateBoard(pool: pg.Pool, id: string): Promise<void> {
  await pool.query(`UPDATE boards SET version = ${NEXT_VERSION} WHERE id = $1`, [id]);
}

/** A vote on a board's stream, as the audit log has it. */
export interface BoardEvent {
  acceptedAt: Date;
  userId: string;
  streamId: string;
  voteType: string;
  action: string;
  version: number;
}

/** The last votes on a board that changed something, newest first. */
export async function listBoardEvents(pool: pg.Pool, o: { boardId: string; limit: number }): Promise<BoardEvent[]> {
  const { rows } = await pool.query<BoardEvent>(
    `SELECT e.* FROM projects p
      CROSS JOIN LATERAL (
        SELECT accepted_at AS "acceptedAt", user_id AS "userId", project_id AS "streamId", vote_type AS "voteType", action, version
          FROM vote_events WHERE project_id = p.id AND action <> 'unchanged' ORDER BY version DESC LIMIT $2) e
      WHERE p.board_id = $1
      ORDER BY e.version DESC LIMIT $2`,
    [o.boardId, o.limit],
  );
  return rows;
}
