/** Votes that the fallback took, waiting to be known to Redis. A project with such rows is degraded. */
import type { VoteEvent, VoteType } from "@votesync/core";
import type pg from "pg";

export interface OutboxVote {
  event: VoteEvent;
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
  SELECT request_id, period, user_id, action, vote_type, previous_vote_type, ${US("previous_at")} AS previous_at_us,
         version, upvotes, downvotes, ${US("accepted_at")} AS accepted_at_us, idempotency_key, fingerprint
    FROM outbox
   WHERE shard = $1 AND project_id = $2 AND recovered_at IS NULL
   ORDER BY version
   LIMIT $3`;

interface OutboxRow {
  request_id: string;
  period: number;
  user_id: string;
  action: VoteEvent["action"];
  vote_type: VoteEvent["voteType"];
  previous_vote_type: VoteEvent["voteType"];
  previous_at_us: number;
  version: number;
  upvotes: number;
  downvotes: number;
  accepted_at_us: number;
  idempotency_key: string | null;
  fingerprint: string | null;
}

/** The project's oldest votes that Redis does not know. */
export async function readOutbox(pool: pg.Pool, project: DegradedProject, limit: number): Promise<OutboxVote[]> {
  const { rows } = await pool.query<OutboxRow>(READ_OUTBOX, [project.shard, project.projectId, limit]);
  return rows.map((row) => toOutboxVote(project.projectId, row));
}

function toOutboxVote(projectId: string, row: OutboxRow): OutboxVote {
  const { idempotency_key: key, fingerprint } = row;
  return {
    idempotency: key === null || fingerprint === null ? null : { key, fingerprint },
    event: {
      kind: "persisted",
      requestId: row.request_id,
      projectId,
      period: row.period,
      userId: row.user_id,
      action: row.action,
      voteType: row.vote_type,
      previousVoteType: row.previous_vote_type,
      previousAtUs: row.previous_at_us,
      version: row.version,
      upvotes: row.upvotes,
      downvotes: row.downvotes,
      acceptedAtUs: row.accepted_at_us,
    },
  };
}

const EARLIER = `
  SELECT o.request_id, e.vote_type, ${US("e.accepted_at")} AS accepted_at_us
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS o (request_id, user_id, version)
   CROSS JOIN LATERAL (SELECT vote_type, accepted_at FROM vote_events
                        WHERE project_id = $1 AND user_id = o.user_id AND version < o.version AND version >= o.version - $5
                        ORDER BY version DESC LIMIT 1) e`;

/** Events that waited so long are no concern: versions are times in µs. */
const WAITED_US = 3_600_000_000;

/**
 * Says of each vote what it really replaced: an event of the same voter may have waited when it was taken, and is a row by now.
 * The shard must be applied.
 */
export async function withEarlierVotes(
  pool: pg.Pool,
  projectId: string,
  events: readonly VoteEvent[],
): Promise<VoteEvent[]> {
  if (events.length === 0) return [];
  const { rows } = await pool.query<{ request_id: string; vote_type: VoteType; accepted_at_us: number }>(EARLIER, [
    projectId,
    events.map(({ requestId }) => requestId),
    events.map(({ userId }) => userId),
    events.map(({ version }) => version),
    WAITED_US,
  ]);
  const earlier = new Map(rows.map((row) => [row.request_id, row]));
  return events.map((event) => {
    const before = earlier.get(event.requestId);
    if (before === undefined) return event;
    return { ...event, previousVoteType: before.vote_type, previousAtUs: before.accepted_at_us };
  });
}

/** Redis knows these votes now. */
export async function markRecovered(pool: pg.Pool, requestIds: readonly string[]): Promise<void> {
  await pool.query("UPDATE outbox SET recovered_at = now() WHERE request_id = ANY($1) AND recovered_at IS NULL", [
    requestIds,
  ]);
}
