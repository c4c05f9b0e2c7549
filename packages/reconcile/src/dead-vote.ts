/**
 * What becomes of a dead letter's vote: Redis takes it out, and its voter is told. It never gave points: those follow from rows.
 *
 * All of it happens although the process may be killed in between, because the letter is settled last: until then whoever holds
 * the shard does it again. The scripts do their part once; the voter may be told twice.
 */
import { isWish, SOCKET_EVENTS, type VoteEvent } from "@votesync/core";
import { type DeadLetter, readVote, settleLetter } from "@votesync/postgres-store";
import { publishOutcome, withdrawVote } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/** What voters are told; what PostgreSQL said is for operators. */
export const VOTE_FAILED_WORDS = "Your vote could not be stored and was taken back. Please vote again.";

/** @returns the project's version after it; `null` when the vote was not there any more, or the letter holds none */
export async function withdrawDeadVote(stores: Stores, letter: DeadLetter): Promise<number | null> {
  const { redis, names, pool } = stores;
  const { event, streamId } = letter;
  let version: number | null = null;
  if (event !== null && isWish(event)) {
    // What comes back is what the rows say: the vote before this one may have failed too.
    const stored = (await readVote(pool, event)) ?? { voteType: "none" as const, givenAtUs: 0 };
    version = (await withdrawVote(redis, names, { streamId, event, stored })) || null;
    if (stored.voteType !== event.voteType) await notifyVoter(stores, event);
  }
  await settleLetter(pool, letter, version);
  return version;
}

async function notifyVoter({ redis, names }: Stores, event: VoteEvent): Promise<void> {
  await publishOutcome(redis, names, {
    userId: event.userId,
    event: SOCKET_EVENTS.voteFailed,
    body: { request_id: event.requestId, id: event.projectId, error: VOTE_FAILED_WORDS },
  });
}
