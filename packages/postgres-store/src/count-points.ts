/**
 * Leaderboards counted from what they are made of: votes that stand, at the time they were given, and points given by hand. One
 * snapshot, with the point moves in it: from there on the moves say what comes. Exact at any moment, because rows and moves are
 * written by one transaction.
 */
import type { LedgerMove, PointsOfVotes } from "@votesync/core";
import type pg from "pg";
import type { EntryRow } from "./leaderboard-entries.js";
import { readLastMoves } from "./point-moves.js";

export interface CountedSpan {
  name: string;
  from: Date;
  to: Date;
}

const COUNT = `
  SELECT user_id, sum(points)::bigint AS points
    FROM (SELECT p.owner_id AS user_id, CASE v.vote_type WHEN 'up' THEN $3::bigint WHEN 'down' THEN $4::bigint ELSE 0 END AS points
            FROM votes v JOIN projects p ON p.id = v.project_id
           WHERE v.vote_type <> 'none' AND v.voted_at >= $1 AND v.voted_at < $2
           UNION ALL
          SELECT user_id, points FROM score_events WHERE given_at >= $1 AND given_at < $2) given
   GROUP BY user_id
  HAVING sum(points) <> 0`;

export interface CountOptions {
  spans: readonly CountedSpan[];
  points: PointsOfVotes;
  timeoutMs: number;
  pageSize: number;
  /** Takes users with their points, of one span after the other: a board may be larger than memory. */
  onPage: (span: string, entries: EntryRow[]) => Promise<void>;
}

/**
 * It reads every vote of the longest span.
 * @returns shard → the last of its point moves in what was counted
 */
export async function countPoints(pool: pg.Pool, o: CountOptions): Promise<Map<number, LedgerMove>> {
  const client = await pool.connect();
  client.on("error", ignore);
  let broken = true;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(`SET LOCAL statement_timeout = ${Math.round(o.timeoutMs)}`);
    const lastMoves = await readLastMoves(client);
    for (const span of o.spans) await countSpan(client, span, o);
    await client.query("COMMIT");
    broken = false;
    return lastMoves;
  } finally {
    client.release(broken);
    client.off("error", ignore);
  }
}

const ignore = () => undefined;

async function countSpan(client: pg.PoolClient, { name, from, to }: CountedSpan, o: CountOptions): Promise<void> {
  // The timeout is ours; the pool's own is made for ordinary statements.
  const query = <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    client.query<T>({ text, values, query_timeout: o.timeoutMs } as pg.QueryConfig);
  await query(`DECLARE counted NO SCROLL CURSOR FOR ${COUNT}`, [from, to, o.points.up, o.points.down]);
  for (;;) {
    const { rows } = await query<{ user_id: string; points: number }>(`FETCH ${Math.round(o.pageSize)} FROM counted`);
    const entries = rows.map((row) => ({ userId: row.user_id, points: row.points }));
    if (entries.length > 0) await o.onPage(name, entries);
    if (entries.length < o.pageSize) break;
  }
  await query("CLOSE counted");
}
