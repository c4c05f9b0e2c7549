/**
 * Leaderboards counted from what they are made of: votes that stand, at the time they were given, and points given by hand. One
 * snapshot, with the shards' watermarks in it: from there on the events say what comes.
 */
import type { PointsOfVotes } from "@votesync/core";
import type pg from "pg";
import type { EntryRow } from "./leaderboard-entries.js";

export interface CountedSpan {
  name: string;
  from: Date;
  to: Date;
}

/**
 * Votes went past Redis, and their events are still to come: they would be counted twice. Or events failed, and wait to become rows or
 * to be taken back: they would be counted neither here nor from the stream, or taken back without having been given.
 */
export class VotesUnderWayError extends Error {
  override readonly name = "VotesUnderWayError";
  constructor() {
    super("votes that went past Redis, or could not be stored, are still being dealt with");
  }
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

/** Now, or at some moment since $1. */
const UNDER_WAY = `
  SELECT EXISTS (SELECT FROM outbox WHERE recovered_at IS NULL OR recovered_at >= $1)
      OR EXISTS (SELECT FROM parked_events)
      OR EXISTS (SELECT FROM dead_letters WHERE withdrawn_at IS NULL OR withdrawn_at >= $1) AS under_way`;

export interface CountOptions {
  spans: readonly CountedSpan[];
  points: PointsOfVotes;
  /** Nothing may have been recovered since. */
  settledAt: Date;
  timeoutMs: number;
  pageSize: number;
  /** Takes users with their points, of one span after the other: a board may be larger than memory. */
  onPage: (span: string, entries: EntryRow[]) => Promise<void>;
}

/**
 * It reads every vote of the longest span.
 * @returns shard → up to where its events are in what was counted
 */
export async function countPoints(pool: pg.Pool, o: CountOptions): Promise<Map<number, string>> {
  const client = await pool.connect();
  client.on("error", ignore);
  let broken = true;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(`SET LOCAL statement_timeout = ${Math.round(o.timeoutMs)}`);
    const { rows: progress } = await client.query<{ shard: number; last_id: string }>(
      "SELECT shard, last_id FROM shard_progress",
    );
    const { rows: votes } = await client.query<{ under_way: boolean }>(UNDER_WAY, [o.settledAt]);
    if (votes[0]?.under_way !== false) throw new VotesUnderWayError();
    for (const span of o.spans) await countSpan(client, span, o);
    await client.query("COMMIT");
    broken = false;
    return new Map(progress.map(({ shard, last_id }) => [shard, last_id]));
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

/**
 * Whether every vote that went past Redis is known to it, and none waits for a retry or its withdrawal; and the moment that was
 * asked, by this server's clock.
 */
export async function votesSettled(pool: pg.Pool): Promise<{ settled: boolean; at: Date }> {
  const { rows } = await pool.query<{ settled: boolean; at: Date }>(
    `SELECT NOT EXISTS (SELECT FROM outbox WHERE recovered_at IS NULL)
        AND NOT EXISTS (SELECT FROM parked_events)
        AND NOT EXISTS (SELECT FROM dead_letters WHERE withdrawn_at IS NULL) AS settled,
            clock_timestamp() AS at`,
  );
  return rows[0] as { settled: boolean; at: Date };
}

/** Remembers points that were given by hand. Repeating it is harmless. */
export async function rememberScore(
  pool: pg.Pool,
  score: { userId: string; requestKey: string; points: number; givenAt: Date },
): Promise<void> {
  await pool.query(
    `INSERT INTO score_events (user_id, request_key, points, given_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [score.userId, score.requestKey, score.points, score.givenAt],
  );
}
