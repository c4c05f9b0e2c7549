/** Leaderboards as rows. Everything goes in batches: a row by itself costs fifty times as much. */
import type { Board } from "@votesync/core";
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

/** The rows of these users on one board. */
export async function readEntries(
  pool: pg.Pool,
  o: { board: Board; userIds: readonly string[] },
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ user_id: string; points: number }>({
    name: "read-leaderboard-entries",
    text: "SELECT user_id, points FROM leaderboard_entries WHERE period = $1 AND key = $2 AND user_id = ANY($3)",
    values: [o.board.period, o.board.key, o.userIds],
  });
  return new Map(rows.map((row) => [row.user_id, row.points]));
}

/** All rows of a board, in pages by user id. */
export async function* entryPages(pool: pg.Pool, board: Board, pageSize: number): AsyncGenerator<EntryRow[]> {
  for (let afterId = ""; ; ) {
    const { rows } = await pool.query<{ user_id: string; points: number }>(
      `SELECT user_id, points FROM leaderboard_entries
        WHERE period = $1 AND key = $2 AND user_id > $3 COLLATE "C" ORDER BY user_id COLLATE "C" LIMIT $4`,
      [board.period, board.key, afterId, pageSize],
    );
    if (rows.length > 0) yield rows.map((row) => ({ userId: row.user_id, points: row.points }));
    if (rows.length < pageSize) return;
    afterId = (rows.at(-1) as { user_id: string }).user_id;
  }
}

export async function countEntries(pool: pg.Pool, board: Board): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "SELECT count(*) FROM leaderboard_entries WHERE period = $1 AND key = $2",
    [board.period, board.key],
  );
  return rows[0]?.count ?? 0;
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

const WRITE = `
  WITH change AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS c (period, key, user_id, points)
  ), deleted AS (
    DELETE FROM leaderboard_entries e USING change c
     WHERE c.points IS NULL AND e.period = c.period AND e.key = c.key AND e.user_id = c.user_id
  )
  INSERT INTO leaderboard_entries AS e (period, key, user_id, points, updated_at)
  SELECT period, key, user_id, points, now() FROM change WHERE points IS NOT NULL
  ON CONFLICT (period, key, user_id) DO UPDATE SET points = excluded.points, updated_at = excluded.updated_at
   WHERE e.points <> excluded.points`;

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
  const column = <T>(value: (change: EntryChange) => T) => o.changes.map(value);
  const rows = [column((c) => c.board.period), column((c) => c.board.key), column((c) => c.userId)];
  await inTransaction(pool, async (client) => {
    if (o.keepFor !== null) await keep(client, o.keepFor, o.changes);
    await client.query(WRITE, [...rows, column((c) => c.points)]);
  });
}

/** What is new has nothing to be put back. */
async function keep(client: pg.PoolClient, runId: string, changes: readonly EntryChange[]): Promise<void> {
  const touched = changes.filter(({ before }) => before !== null);
  if (touched.length === 0) return;
  const column = <T>(value: (change: EntryChange) => T) => touched.map(value);
  const rows = [column((c) => c.board.period), column((c) => c.board.key), column((c) => c.userId)];
  await client.query(KEEP, [runId, ...rows, column((c) => c.before)]);
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
