/**
 * What becomes of a dead letter's vote: Redis takes it out, its points are taken back, and its voter is told.
 *
 * All of it happens although the process may be killed in between, because the letter is settled last: until then whoever holds
 * the shard does it again. The scripts do their part once; the voter may be told twice.
 */
import { SOCKET_EVENTS } from "@votesync/core";
import { type DeadLetter, readVote, settleLetter } from "@votesync/postgres-store";
import { publishOutcome, withdrawVote } from "@votesync/redis-store";
import { takePointsBack } from "./dead-points.js";
import type { Stores } from "./stores.js";

/** What voters are told; what PostgreSQL said is for operators. */
export const VOTE_FAILED_WORDS = "Your vote could not be stored and was taken back. Please vote again.";

/** @returns the project's version after it; `null` when the vote was not there any more, or the letter holds none */
export async function withdrawDeadVote(stores: Stores, letter: DeadLetter): Promise<number | null> {
  const { redis, names, pool } = stores;
  const { event, streamId } = letter;
  let version: number | null = null;
  if (event?.kind === "vote") {
    // What comes back is what the rows say: the vote before this one may have failed too.
    const stored = (await readVote(pool, event)) ?? { voteType: "none" as const, givenAtUs: 0 };
    version = (await withdrawVote(redis, names, { streamId, event, stored })) || null;
    if (version === null) await takePointsBack(stores, { streamId, event });
    await publishOutcome(redis, names, {
      userId: event.userId,
      event: SOCKET_EVENTS.voteFailed,
      body: { request_id: event.requestId, id: event.projectId, error: VOTE_FAILED_WORDS },
    });
  }
  await settleLetter(pool, letter, version);
  return version;
}
