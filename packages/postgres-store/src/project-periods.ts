/**
 * Periods of a project: the current one's counters stand in `projects`, those of ended ones in `project_periods`. A period
 * ends with its `closed` event, or when the fallback is the first to see its instant pass; both come to the same.
 */
import type { ClosedEvent, StreamEvent } from "@votesync/core";
import type pg from "pg";
import { AT, US } from "./sql-times.js";
import { inTransaction } from "./transaction.js";

/** An instant belongs to the first of the two columns that holds it, so it is cleared once. */
const END_PERIODS = `
  WITH closed AS (
    SELECT project_id, period, version, upvotes, downvotes, ${AT("instant_us")} AS instant
      FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS c (project_id, period, version, upvotes, downvotes, instant_us)
  ), kept AS (
    INSERT INTO project_periods AS pp (project_id, period, upvotes, downvotes, closed_upvotes, closed_downvotes, ended_at)
    SELECT p.id, c.period, CASE WHEN p.period = c.period THEN p.upvotes ELSE 0 END,
           CASE WHEN p.period = c.period THEN p.downvotes ELSE 0 END, c.upvotes, c.downvotes, c.instant
      FROM closed c JOIN projects p ON p.id = c.project_id
    ON CONFLICT (project_id, period) DO UPDATE
      SET closed_upvotes = excluded.closed_upvotes, closed_downvotes = excluded.closed_downvotes,
          ended_at = coalesce(pp.ended_at, excluded.ended_at)
  )
  UPDATE projects p
     SET period = c.period + 1, upvotes = 0, downvotes = 0, version = greatest(p.version, c.version),
         opens_at = CASE WHEN p.opens_at = c.instant THEN NULL ELSE p.opens_at END,
         closes_at = CASE WHEN p.closes_at = c.instant AND p.opens_at IS DISTINCT FROM c.instant THEN NULL
                          ELSE p.closes_at END
    FROM closed c
   WHERE p.id = c.project_id AND p.period = c.period`;

/** Moves the projects on whose periods ended, in the order they ended. */
export async function endPeriods(client: pg.PoolClient, events: readonly { event: StreamEvent }[]): Promise<void> {
  let closed = events.map(({ event }) => event).filter((event): event is ClosedEvent => event.kind === "closed");
  // A launch that nobody voted on may open and close in one batch: first all first ones, then all second ones.
  while (closed.length > 0) {
    const seen = new Set<string>();
    const first = closed.filter(({ projectId }) => !seen.has(projectId) && seen.add(projectId));
    closed = closed.filter((event) => !first.includes(event));
    await client.query(END_PERIODS, [
      first.map((event) => event.projectId),
      first.map((event) => event.period),
      first.map((event) => event.version),
      first.map((event) => event.upvotes),
      first.map((event) => event.downvotes),
      first.map((event) => event.instantUs),
    ]);
  }
}

/** The same outside of a batch, for a shard that nobody else writes to meanwhile. */
export async function endProjectPeriods(pool: pg.Pool, shard: number, events: readonly ClosedEvent[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [shard]);
    await endPeriods(
      client,
      events.map((event) => ({ event })),
    );
  });
}

export interface LockedProject {
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  up_only: boolean;
  board_id: string | null;
  /** The moment at which it stands so, µs since 1970 of Redis's clock: a vote taken with it is of this moment, not of a later one. */
  now_us: number;
}

/** As workers measured it; else as the caller knows it; else it is taken for this server's. */
const REDIS_NOW = `coalesce((SELECT clock_timestamp() + ahead FROM redis_clock),
                              ${AT("$2::bigint")}, clock_timestamp())`;

const LOCK_PROJECT = `
  SELECT upvotes, downvotes, version, period, up_only, board_id, ${US("clock.now")} AS now_us,
         CASE WHEN opens_at <= clock.now THEN 'opens_at' WHEN closes_at <= clock.now THEN 'closes_at' END AS due
    FROM projects, (SELECT ${REDIS_NOW} AS now OFFSET 0) clock
   WHERE id = $1
     FOR UPDATE OF projects`;

/**
 * Locks a project for a vote of the fallback, as it stands after every instant that has passed. The shard's row is locked
 * already. Votes of an ended period that no worker has applied yet find their way to it later.
 */
export async function lockCurrentPeriod(
  client: pg.PoolClient,
  projectId: string,
  redisNowUs: number | null,
): Promise<LockedProject | null> {
  for (;;) {
    const { rows } = await client.query<LockedProject & { due: "opens_at" | "closes_at" | null }>(LOCK_PROJECT, [
      projectId,
      redisNowUs,
    ]);
    const [project] = rows;
    if (project === undefined) return null;
    if (project.due === null) return project;
    await endCurrentPeriod(client, projectId, project.due);
  }
}

/** Ends at most twice: each end clears its instant. */
async function endCurrentPeriod(
  client: pg.PoolClient,
  projectId: string,
  instant: "opens_at" | "closes_at",
): Promise<void> {
  await client.query(
    `INSERT INTO project_periods AS pp (project_id, period, upvotes, downvotes, ended_at)
     SELECT id, period, upvotes, downvotes, ${instant} FROM projects WHERE id = $1
     ON CONFLICT (project_id, period) DO UPDATE
       SET upvotes = pp.upvotes + excluded.upvotes, downvotes = pp.downvotes + excluded.downvotes,
           ended_at = excluded.ended_at`,
    [projectId],
  );
  await client.query(
    `UPDATE projects SET period = period + 1, upvotes = 0, downvotes = 0, version = version + 1, ${instant} = NULL
      WHERE id = $1`,
    [projectId],
  );
}
