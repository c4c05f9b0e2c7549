/**
 * The use case: what became of a request. Redis knows it for an hour, the audit log for good, and a request whose event
 * could not be applied stands with that event: parked, or a dead letter.
 *
 * Nobody writes "persisted" anywhere: a request is persisted once its row in the audit log is there.
 */
import { type RedisNames, shardOfRequestId, tryParseEvent, type VoteAction, wireOf } from "@votesync/core";
import {
  type FailedRequest,
  findFailedRequest,
  findPersistedRequest,
  type PostgresConnection,
} from "@votesync/postgres-store";
import { VOTE_FAILED_WORDS } from "@votesync/reconcile";
import { type RedisClient, readVoteAnswer, type VoteAnswer } from "@votesync/redis-store";
import type { Identity } from "@votesync/service-kit";

export interface VoteStatus {
  request_id: string;
  project_id: string;
  state: "pending" | "persisted" | "failed" | "dead";
  action: VoteAction;
  accepted_at: string;
  persisted_at: string | null;
  /** How often the event was tried: 0 while it waits. */
  attempts: number;
  error: string | null;
  reconciled: boolean;
}

export interface VoteStatusDeps {
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
}

/** A replay may fail and be replayed in turn. */
const REPLAYS_FOLLOWED = 10;
/** What a voter is told of a vote that waits for its next try; operators see what PostgreSQL said. */
const VOTE_WAITS_WORDS = "Your vote could not be stored yet. It is tried again.";

/** @returns `null` when there is no such request, or it is somebody else's */
export async function readVoteStatus(
  deps: VoteStatusDeps,
  requestId: string,
  reader: Identity,
  replaysLeft = REPLAYS_FOLLOWED,
): Promise<VoteStatus | null> {
  const shard = shardOfRequestId(requestId, deps.names.shards);
  if (shard === null) return null;
  // Redis being away must not hide what PostgreSQL knows.
  const accepted = await readVoteAnswer(deps.redis, deps.names, { shard, requestId }).catch(() => null);
  // An entry that was parked when the first was read may be a row by now, so the rows are read last.
  const failed = await findFailedRequest(deps.postgres.pool, requestId);
  const persisted = await findPersistedRequest(deps.postgres.prisma, requestId);
  const voter = (persisted ?? failed ?? accepted)?.userId;
  if (voter === undefined || (voter !== reader.userId && reader.role !== "admin")) return null;
  if (persisted !== null) return persistedStatus(persisted);
  if (failed === null) return waitingStatus(accepted as VoteAnswer);
  const status = failedStatus(requestId, failed, reader);
  if (failed.replayRequestId === null || replaysLeft === 0) return status;
  const replay = await readVoteStatus(deps, failed.replayRequestId, reader, replaysLeft - 1);
  return { ...(replay ?? status), request_id: requestId, reconciled: true };
}

type Persisted = NonNullable<Awaited<ReturnType<typeof findPersistedRequest>>>;

function persistedStatus(request: Persisted): VoteStatus {
  return {
    request_id: request.requestId,
    project_id: request.projectId,
    state: "persisted",
    action: request.action,
    accepted_at: request.acceptedAt.toISOString(),
    persisted_at: request.persistedAt.toISOString(),
    attempts: 1,
    error: null,
    reconciled: false,
  };
}

function failedStatus(requestId: string, failed: FailedRequest, reader: Identity): VoteStatus {
  // It names a request, so it could be read.
  const event = tryParseEvent(wireOf(failed.fields));
  if (event === null || !("action" in event)) throw new Error("a failed request has no vote");
  const words = failed.state === "dead" ? VOTE_FAILED_WORDS : VOTE_WAITS_WORDS;
  return {
    request_id: requestId,
    project_id: failed.projectId,
    state: failed.state,
    action: event.action,
    accepted_at: new Date(event.acceptedAtUs / 1_000).toISOString(),
    persisted_at: null,
    attempts: failed.attempts,
    error: reader.role === "admin" ? failed.error : words,
    reconciled: false,
  };
}

/** Accepted, and without a row so far. */
function waitingStatus(accepted: VoteAnswer): VoteStatus {
  return {
    request_id: accepted.requestId,
    project_id: accepted.projectId,
    state: "pending",
    action: accepted.action,
    accepted_at: new Date(accepted.acceptedAtUs / 1_000).toISOString(),
    persisted_at: null,
    attempts: 0,
    error: null,
    reconciled: false,
  };
}
