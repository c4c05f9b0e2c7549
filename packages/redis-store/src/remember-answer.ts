/** Answers to Idempotency-Keys that PostgreSQL gave, for whoever repeats the request where Redis answers. */
import type { RedisNames } from "@votesync/core";
import { IDEMPOTENCY_TTL_S, type VoteAnswer, voteAnswerText } from "./cast-vote.js";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";

/** An answer that Redis has already stays. */
export async function rememberAnswer(
  client: RedisClient,
  names: RedisNames,
  { answer, key, fingerprint }: { answer: Omit<VoteAnswer, "eventId">; key: string; fingerprint: string },
): Promise<void> {
  const name = names.idempotency(answer.projectId, answer.userId, key);
  const stored = voteAnswerText({ ...answer, eventId: STREAM_START });
  await client.set(name, `${fingerprint}\n${stored}`, "EX", IDEMPOTENCY_TTL_S, "NX");
}
