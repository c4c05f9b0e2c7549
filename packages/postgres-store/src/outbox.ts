/** Votes that the fallback took, waiting to be known to Redis. A project with such rows is degraded. */
import type pg from "pg";
import type { FallbackAnswer } from "./fallback-vote.js";

export interface OutboxVote {
  /** What its caller was answered. */
  answer: FallbackAnswer;
  idempotency: { key: string; fingerprint: string } | null;
}

export interface DegradedProject {
  projectId: string;
  shard: number;
}

/** At most `limit` projects of which Redis does not know all: votes, or that something else has changed. */
export async function findDegradedProjects(pool: pg.Pool, limit: number): Promise<DegradedProject[]> {
  const { rows } = await pool.query<{ project_id: string; shard: number }>(
    `SELECT shard, project_id FROM outbox WHERE recovered_at IS NULL
      UNION
     SELECT shard, project_id FROM pending_reloads
      ORDER BY shard, project_id LIMIT $1`,
    [limit],
  );
  return rows.map(({ project_id, shard }) => ({ projectId: project_id, shard }));
}

const US = (time: string) => `(extract(epoch FROM ${time}) * 1000000)::bigint`;

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
