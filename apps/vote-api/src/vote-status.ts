/**
 * The use case: what became of a request. Redis knows it for an hour, the audit log for good.
 *
 * Nobody writes "persisted" anywhere: a request is persisted once its shard has been applied up to its event.
 */
import { compareStreamIds, type RedisNames, shardOfRequestId, type VoteAction } from "@votesync/core";
import { findDeadLetter, findPersistedRequest, type PostgresConnection, readLastId } from "@votesync/postgres-store";
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

/** @returns `null` when there is no such request, or it is somebody else's */
export async function readVoteStatus(
  deps: VoteStatusDeps,
  requestId: string,
  reader: Identity,
): Promise<VoteStatus | null> {
  const shard = shardOfRequestId(requestId, deps.names.shards);
  if (shard === null) return null;
  // Redis being away must not hide what PostgreSQL knows.
  const accepted = await readVoteAnswer(deps.redis, deps.names, { shard, requestId }).catch(() => null);
  // Progress before rows: what was committed when the progress was read is visible to every later read.
  const lastId = await readLastId(deps.postgres.pool, shard);
  const persisted = await findPersistedRequest(deps.postgres.prisma, requestId);
  const voter = persisted?.userId ?? accepted?.userId;
  if (voter === undefined || (voter !== reader.userId && reader.role !== "admin")) return null;
  if (persisted !== null) return persistedStatus(persisted);
  return waitingStatus(deps, shard, accepted as VoteAnswer, lastId);
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

/** Accepted, and without a row of its own: it waits, it changed nothing, or its event could not be applied. */
async function waitingStatus(
  deps: VoteStatusDeps,
  shard: number,
  accepted: VoteAnswer,
  lastId: string,
): Promise<VoteStatus> {
  const acceptedAt = new Date(accepted.acceptedAtUs / 1_000).toISOString();
  const status: VoteStatus = {
    request_id: accepted.requestId,
    project_id: accepted.projectId,
    state: "pending",
    action: accepted.action,
    accepted_at: acceptedAt,
    persisted_at: null,
    attempts: 0,
    error: null,
    reconciled: false,
  };
  if (compareStreamIds(accepted.eventId, lastId) > 0) return status;
  // An unchanged vote rests on an earlier event; once that is applied, there is nothing left to wait for.
  if (accepted.action === "unchanged") return { ...status, state: "persisted", persisted_at: acceptedAt };
  const dead = await findDeadLetter(deps.postgres.prisma, { shard, streamId: accepted.eventId });
  return dead === null ? status : { ...status, state: "dead", attempts: 1, error: dead.error };
}
