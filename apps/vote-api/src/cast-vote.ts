/**
 * The use case: one vote, from "this user wants that" to an answer that will not be taken back.
 *
 * Almost always this is one round trip to Redis. Only the first vote on a cold project, and the first of a user on a
 * project too large to be loaded whole, asks PostgreSQL and casts again. The request id is made before the first
 * attempt, so however often a cast is sent, it counts once.
 */
import { makeRequestId, type RedisNames, type VoteType } from "@votesync/core";
import { readVote } from "@votesync/postgres-store";
import type { ProjectLoader } from "@votesync/reconcile";
import {
  type CastOutcome,
  type CastRequest,
  castVote as castInRedis,
  type KnownVote,
  type RedisClient,
  type RedisClock,
  type VoteLimit,
} from "@votesync/redis-store";
import type pg from "pg";
import { timeOrderedUuid } from "./time-ordered-uuid.js";

/** Later than this on Redis's clock a cast does nothing: its caller has long been told that it failed. */
const CAST_DEADLINE_US = 2_000_000;
/** absent → ask → answer, and one more for a project dropped or a clock corrected in between. */
const MAX_CASTS = 4;

export interface VoteRequest {
  projectId: string;
  userId: string;
  voteType: VoteType;
  idempotency?: { key: string; fingerprint: string } | undefined;
}

export type VoteOutcome =
  | Extract<CastOutcome, { kind: "answer" | "limited" | "conflict" }>
  | { kind: "unknown-project" };

/** The store kept changing under the vote, or its clock is far from ours; nothing was recorded. */
export class VoteNotCastError extends Error {
  override readonly name = "VoteNotCastError";
  constructor(readonly lastOutcome: string) {
    super("the vote could not be cast in time");
  }
}

export interface CastVoteDeps {
  redis: RedisClient;
  names: RedisNames;
  clock: RedisClock;
  pool: pg.Pool;
  loader: ProjectLoader;
  limit: VoteLimit;
}

/** @throws {VoteNotCastError}, and whatever the stores throw: then the outcome is unknown, and asking again is safe */
export async function castVote(deps: CastVoteDeps, vote: VoteRequest): Promise<VoteOutcome> {
  const requestId = makeRequestId(deps.names.shardOf(vote.projectId), timeOrderedUuid());
  const cast: CastRequest = { ...vote, requestId, limit: deps.limit, deadlineUs: 0 };
  let lastOutcome = "";
  for (let i = 0; i < MAX_CASTS; i++) {
    cast.deadlineUs = deps.clock.nowUs() + CAST_DEADLINE_US;
    const outcome = await castInRedis(deps.redis, deps.names, cast);
    deps.clock.observe(outcome.nowUs);
    switch (outcome.kind) {
      case "answer":
      case "limited":
      case "conflict":
        return outcome;
      case "absent":
        if (!(await deps.loader.load(vote.projectId, outcome))) return { kind: "unknown-project" };
        break;
      case "ask":
        cast.knownVote = await readKnownVote(deps.pool, { ...vote, ...outcome });
        break;
      case "late":
        break;
    }
    lastOutcome = outcome.kind;
  }
  throw new VoteNotCastError(lastOutcome);
}

/** The row of one user, for a project too large to be loaded whole. */
async function readKnownVote(
  pool: pg.Pool,
  row: { projectId: string; userId: string; period: number; generation: string },
): Promise<KnownVote> {
  const vote = await readVote(pool, row);
  return { generation: row.generation, ...(vote ?? { voteType: "none", version: 0, givenAtUs: 0 }) };
}
