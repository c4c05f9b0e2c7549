/** Votes that the fallback took, waiting to be known to Redis. A project with such rows is degraded. */
import type pg from "pg";
import type { FallbackAnswer } from "./fallback-vote.js";
import { AT, US } from "./sql-times.js";

export interface OutboxVote {
  /** What its caller was answered. */
  answer: FallbackAnswer;
  idempotency: { key: string; fingerprint: string } | null;
}

export interface DegradedProject {
  projectId: string;
  shard: number;
}

/** With the newest marks it has. See `HoldMarks` of redis-store. */
export interface MarkedProject extends DegradedProject {
  voteVersion: number;
  reloadId: number;
}

/** Each half ends after a page: without its own LIMIT PostgreSQL reads every mark there is for every page. */
const FIND_DEGRADED = `
  SELECT shard, project_id, max(version) AS version, max(reload_id) AS reload_id
    FROM ((SELECT shard, project_id, max(version) AS version, 0::bigint AS reload_id
             FROM outbox
            WHERE recovered_at IS NULL AND (shard, project_id) > ($1::int, $2::text)
              AND accepted_at >= ${AT("$4::bigint")}
            GROUP BY shard, project_id ORDER BY shard, project_id LIMIT $3)
           UNION ALL
          (SELECT shard, project_id, 0, max(id)
             FROM pending_reloads
            WHERE (shard, project_id) > ($1::int, $2::text)
            GROUP BY shard, project_id ORDER BY shard, project_id LIMIT $3)) AS degraded
   GROUP BY shard, project_id ORDER BY shard, project_id LIMIT $3`;

/**
 * At most `limit` projects of which Redis does not know all: votes, or that something else has changed.
 * @param o.after the last one of the page before
 * @param o.acceptedSinceUs older votes do not make a project degraded here
 */
export async function findDegradedProjects(
  pool: pg.Pool,
  o: { limit: number; after?: DegradedProject | null; acceptedSinceUs?: number },
): Promise<MarkedProject[]> {
  const { rows } = await pool.query<{ project_id: string; shard: number; version: number; reload_id: number }>(
    FIND_DEGRADED,
    [o.after?.shard ?? -1, o.after?.projectId ?? "", o.limit, o.acceptedSinceUs ?? 0],
  );
  return rows.map((row) => ({
    projectId: row.project_id,
    shard: row.shard,
    voteVersion: row.version,
    reloadId: row.reload_id,
  }));
}

/** The clock by which votes of the fallback are accepted, µs: Redis's as workers measured it. 0 while nobody has. */
export async function readOutboxClock(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ now_us: number }>(
    `SELECT ${US("clock_timestamp() + least(ahead, interval '0')")} AS now_us FROM redis_clock`,
  );
  return rows[0]?.now_us ?? 0;
}

const READ_OUTBOX = `
  SELECT request_id AS "requestId", project_id AS "projectId", user_id AS "userId", action, vote_type AS "voteType", version,
         upvotes, downvotes, ${US("accepted_at")} AS "acceptedAtUs", idempotency_key AS key, fingerprint
    FROM outbox
   WHERE shard = $1 AND project_id = $2 AND recovered_at IS NULL
   ORDER BY version
   LIMIT $3`;

/** The project's oldest votes that Redis does not know. */
export async function readOutbox(pool: pg.Pool, project: DegradedProject, limit: number): Promise<OutboxVote[]> {
  const { rows } = await pool.query<FallbackAnswer & { key: string | null; fingerprint: string | null }>(READ_OUTBOX, [
    project.shard,
    project.projectId,
    limit,
  ]);
  return rows.map(({ key, fingerprint, ...answer }) => ({
    answer,
    idempotency: key === null || fingerprint === null ? null : { key, fingerprint },
  }));
}

/** Redis knows these votes now. */
export async function markRecovered(pool: pg.Pool, requestIds: readonly string[]): Promise<void> {
  await pool.query("UPDATE outbox SET recovered_at = now() WHERE request_id = ANY($1) AND recovered_at IS NULL", [
    requestIds,
  ]);
}
