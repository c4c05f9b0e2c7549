/**
 * A cast without the fallback, for commands: straight into Redis, loading what it must. vote-api has a longer way of its
 * own, which ends in PostgreSQL when Redis does not answer; a command can be given again.
 */
import { makeRequestId, type VoteType } from "@votesync/core";
import { findKeyedAnswer, readVote } from "@votesync/postgres-store";
import { type CastRequest, castVote, STREAM_START, type VoteAnswer } from "@votesync/redis-store";
import { v7 as uuidv7 } from "uuid";
import { ProjectLoader } from "./project-loader.js";
import type { Stores } from "./stores.js";

/** ask-key → absent → ask → answer, and one more for a project dropped in between. */
const MAX_CASTS = 5;
const NO_LIMIT = { max: 0, windowMs: 1 };

export interface VoteToCast {
  projectId: string;
  userId: string;
  voteType: VoteType;
  idempotency: { key: string; fingerprint: string };
}

export type CastResult =
  | { kind: "answer"; answer: VoteAnswer }
  | { kind: "unknown-project" }
  | { kind: "limited" }
  | { kind: "conflict" }
  | { kind: "up-only" };

/** @throws what the stores throw; giving the command again is safe */
export async function castAgain(stores: Stores, vote: VoteToCast): Promise<CastResult> {
  const { redis, names, pool } = stores;
  const requestId = makeRequestId(names.shardOf(vote.projectId), uuidv7());
  const loader = new ProjectLoader(stores);
  // Nobody waits for a command as for a request: whenever it runs, it is meant.
  const cast: CastRequest = { ...vote, requestId, limit: NO_LIMIT, deadlineUs: Number.MAX_SAFE_INTEGER };
  for (let i = 0; i < MAX_CASTS; i++) {
    const outcome = await castVote(redis, names, cast);
    if (outcome.kind === "absent") {
      if (!(await loader.load(vote.projectId, outcome))) return { kind: "unknown-project" };
    } else if (outcome.kind === "ask") {
      const { generation, period } = outcome;
      const known = (await readVote(pool, { ...vote, period })) ?? {
        voteType: "none" as const,
        version: 0,
        givenAtUs: 0,
      };
      cast.knownVote = { generation, ...known };
    } else if (outcome.kind === "ask-key") {
      const earlier = await findKeyedAnswer(pool, { ...vote, key: vote.idempotency.key });
      if (earlier !== null) return { kind: "answer", answer: { ...earlier.answer, eventId: STREAM_START } };
      cast.isKeyNew = true;
    } else if (outcome.kind !== "late") {
      return outcome;
    }
  }
  throw new Error("the vote could not be cast: its project kept changing");
}
