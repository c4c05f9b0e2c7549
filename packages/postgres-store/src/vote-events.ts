import type { VoteAction } from "@votesync/core";
import type pg from "pg";
import type { PrismaClient } from "./generated/client.js";

/** What the audit log says of one request. */
export interface PersistedRequest {
  requestId: string;
  projectId: string;
  userId: string;
  action: VoteAction;
  acceptedAt: Date;
  persistedAt: Date;
}

/** `null` when no row has come of the request: not yet, or it changed nothing. */
export async function findPersistedRequest(prisma: PrismaClient, requestId: string): Promise<PersistedRequest | null> {
  return prisma.voteEvent.findFirst({
    where: { requestId },
    select: {
      requestId: true,
      projectId: true,
      userId: true,
      action: true,
      acceptedAt: true,
      persistedAt: true,
    },
  });
}

const REQUEST_SEARCHED = "interval '1 day'";

/** Of these requests, those that stand in the audit log. Younger than a day: an answer is not kept longer. */
export async function findLoggedRequests(pool: pg.Pool, requestIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ request_id: string }>({
    name: "find-logged-requests",
    text: `SELECT request_id FROM vote_events WHERE request_id = ANY($1) AND accepted_at > now() - ${REQUEST_SEARCHED}`,
    values: [requestIds],
  });
  return new Set(rows.map(({ request_id }) => request_id));
}

/** A request whose event could not be applied: it is parked, or a dead letter. */
export interface FailedRequest {
  state: "failed" | "dead";
  fields: string[];
  userId: string;
  projectId: string;
  error: string;
  attempts: number;
  /** The request that cast it anew. */
  replayRequestId: string | null;
}

/** One statement, because an entry moves from the one table to the other. */
export async function findFailedRequest(pool: pg.Pool, requestId: string): Promise<FailedRequest | null> {
  const { rows } = await pool.query<FailedRequest>(
    `SELECT 'failed' AS state, fields, user_id AS "userId", project_id AS "projectId", error, attempts,
            NULL AS "replayRequestId"
       FROM parked_events WHERE request_id = $1
      UNION ALL
     SELECT 'dead', fields, user_id, project_id, error, attempts, replay_request_id
       FROM dead_letters WHERE request_id = $1
      LIMIT 1`,
    [requestId],
  );
  return rows[0] ?? null;
}
