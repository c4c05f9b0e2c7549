/** What Redis must learn of votes that the fallback took: their events, and the answers to their Idempotency-Keys. */
import { persistedWire, type RedisNames, type VoteEvent } from "@votesync/core";
import { IDEMPOTENCY_TTL_S, type VoteAnswer, voteAnswerText } from "./cast-vote.js";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";
import { callScript } from "./scripts.js";

/** Longer than PostgreSQL can go on saying that a vote is not recovered. */
const REMEMBERED_S = 2 * 86_400;

/** Appends the events for whoever counts votes (the worker and the sockets pass over them); each once. */
export async function appendPersisted(
  client: RedisClient,
  names: RedisNames,
  shard: number,
  events: readonly VoteEvent[],
): Promise<void> {
  const args = events.flatMap((event) => [event.requestId, persistedWire(event)]);
  await callScript(client, "append-persisted", [names.events(shard), names.recovered(shard)], [REMEMBERED_S, ...args]);
}

/** Whoever repeats a request that the fallback answered gets that answer from Redis too. */
export async function rememberAnswer(
  client: RedisClient,
  names: RedisNames,
  { event, key, fingerprint }: { event: VoteEvent; key: string; fingerprint: string },
): Promise<void> {
  const answer: VoteAnswer = { ...event, eventId: STREAM_START };
  const name = names.idempotency(event.projectId, event.userId, key);
  await client.set(name, `${fingerprint}\n${voteAnswerText(answer)}`, "EX", IDEMPOTENCY_TTL_S, "NX");
}
