/** Leaderboards as rows. Everything goes in batches: a row by itself costs fifty times as much. */
import { type Board, boardName } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

export interface EntryRow {
  userId: string;
  points: number;
}

/** A row to be written, or deleted (`null`), and what stands there now. */
export interface EntryChange {
  board: Board;
  userId: string;
  points: number | null;
  before: number | null;
}

/**
 * The rows of these users on one board. Not a named statement: the plan that PostgreSQL keeps for one, made while the table was empty,
 * reads all of it each time; the first sync of 100,000 users took 74 s in place of 4.
 */
export async function readEntries(
  pool: pg.Pool,
  o: { board: Board; userIds: readonly string[] },
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ user_id: string; points: number }>(
    "SELECT user_id, points FROM leaderboard_entries WHERE period = $1 AND key = $2 AND user_id = ANY($3)",
    [o.board.period, o.board.key, o.userIds],
  );
  return new Map(rows.map((row) => [row.user_id, row.points]));
}

/** All rows of a board, in pages by user id. */
export async function* entryPages(pool: pg.Pool, board: Board, pageSize: number): AsyncGenerator<EntryRow[]> {
  for (let afterId = ""; ; ) {
    const { rows } = await pool.query<{ user_id: string; points: number }>(
      `SELECT user_id, points FROM leaderboard_entries
        WHERE period = $1 AND key = $2 AND user_id > $3 ORDER BY user_id LIMIT $4`,
      [board.period, board.key, afterId, pageSize],
    );
    if (rows.length > 0) yield rows.map((row) => ({ userId: row.user_id, points: row.points }));
    if (rows.length < pageSize) return;
    afterId = (rows.at(-1) as { user_id: string }).user_id;
  }
}

/** How many rows a board has, as every sync keeps it. */
export async function countEntries(pool: pg.Pool, board: Board): Promise<number> {
  const { rows } = await pool.query<{ entries: number }>(
    "SELECT entries FROM leaderboard_boards WHERE period = $1 AND key = $2",
    [board.period, board.key],
  );
  return rows[0]?.entries ?? 0;
}

/** Counts the rows themselves: somebody may have changed them by hand. */
export async function recountEntries(pool: pg.Pool, board: Board): Promise<void> {
  await pool.query(
    `UPDATE leaderboard_boards SET entries = (SELECT count(*) FROM leaderboard_entries WHERE period = $1 AND key = $2)
      WHERE period = $1 AND key = $2`,
    [board.period, board.key],
  );
}

/** Users with a row on any of these boards. */
export async function countUsers(pool: pg.Pool, boards: readonly Board[]): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(DISTINCT user_id) FROM leaderboard_entries
      WHERE (period, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [boards.map(({ period }) => period), boards.map(({ key }) => key)],
  );
  return rows[0]?.count ?? 0;
}

const UPSERT = `
  INSERT INTO leaderboard_entries AS e (period, key, user_id, points, updated_at)
  SELECT period, key, user_id, points, now()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS c (period, key, user_id, points)
  ON CONFLICT (period, key, user_id) DO UPDATE SET points = excluded.points, updated_at = excluded.updated_at
   WHERE e.points <> excluded.points
  RETURNING period, key, xmax = 0 AS is_new`;

const DELETE = `
  DELETE FROM leaderboard_entries e
   USING unnest($1::text[], $2::text[], $3::text[]) AS c (period, key, user_id)
   WHERE e.period = c.period AND e.key = c.key AND e.user_id = c.user_id
  RETURNING e.period, e.key`;

/** Counting a board's rows would cost as much as the board is large, so their number is kept beside it. */
const COUNT = `
  INSERT INTO leaderboard_boards AS b (period, key, entries)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
  ON CONFLICT (period, key) DO UPDATE SET entries = b.entries + excluded.entries`;

const KEEP = `
  INSERT INTO sync_backups (run_id, period, key, user_id, points)
  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
  ON CONFLICT DO NOTHING`;

/** Writes a batch, and keeps what stood there before under `keepFor`. */
export async function writeEntries(
  pool: pg.Pool,
  o: { changes: readonly EntryChange[]; keepFor: string | null },
): Promise<void> {
  if (o.changes.length === 0) return;
  await inTransaction(pool, async (client) => {
    if (o.keepFor !== null) await keep(client, o.keepFor, o.changes);
    const moved = new Map<string, Board & { entries: number }>();
    const move = (board: Board, by: number) => {
      const name = boardName(board);
      moved.set(name, { ...board, entries: (moved.get(name)?.entries ?? 0) + by });
    };
    const written = o.changes.filter(({ points }) => points !== null);
    if (written.length > 0) {
      const values = [...columns(written), written.map(({ points }) => points)];
      const { rows } = await client.query<Board & { is_new: boolean }>(UPSERT, values);
      for (const { period, key, is_new } of rows) if (is_new) move({ period, key }, 1);
    }
    const deleted = o.changes.filter(({ points }) => points === null);
    if (deleted.length > 0) {
      const { rows } = await client.query<Board>(DELETE, columns(deleted));
      for (const board of rows) move(board, -1);
    }
    const counts = [...moved.values()].filter(({ entries }) => entries !== 0);
    if (counts.length === 0) return;
    const values = [counts.map((c) => c.period), counts.map((c) => c.key), counts.map((c) => c.entries)];
    await client.query(COUNT, values);
  });
}

const columns = (changes: readonly EntryChange[]) => [
  changes.map(({ board }) => board.period),
  changes.map(({ board }) => board.key),
  changes.map(({ userId }) => userId),
];

/** What is new has nothing to be put back. */
async function keep(client: pg.PoolClient, runId: string, changes: readonly EntryChange[]): Promise<void> {
  const touched = changes.filter(({ before }) => before !== null);
  if (touched.length === 0) return;
  await client.query(KEEP, [runId, ...columns(touched), touched.map(({ before }) => before)]);
}

/** Boards that were synced and have not had their last sync. */
export async function readOpenBoards(pool: pg.Pool): Promise<Board[]> {
  const { rows } = await pool.query<Board>(
    "SELECT period, key FROM leaderboard_boards WHERE frozen_at IS NULL ORDER BY period, key",
  );
  return rows;
}

export async function rememberBoards(pool: pg.Pool, boards: readonly Board[]): Promise<void> {
  await pool.query(
    `INSERT INTO leaderboard_boards (period, key) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING`,
    [boards.map(({ period }) => period), boards.map(({ key }) => key)],
  );
}

export async function markFrozen(pool: pg.Pool, board: Board): Promise<void> {
  await pool.query(
    "UPDATE leaderboard_boards SET frozen_at = now() WHERE period = $1 AND key = $2 AND frozen_at IS NULL",
    [board.period, board.key],
  );
}

/** Whether a board has had its last sync. */
export async function isFrozen(pool: pg.Pool, board: Board): Promise<boolean> {
  const { rowCount } = await pool.query(
    "SELECT FROM leaderboard_boards WHERE period = $1 AND key = $2 AND frozen_at IS NOT NULL",
    [board.period, board.key],
  );
  return rowCount === 1;
}
