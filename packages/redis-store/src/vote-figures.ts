/**
 * Figures of all vote-api replicas together, in one hash of counters that each adds to. Cumulative since the installation's
 * first vote, or since Redis lost its data; a replica that is killed takes half a second of them along.
 */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";

export interface VoteFigures {
  votes: number;
  errors: number;
  latencyUs: number;
  /** Latency bucket → count. */
  buckets: Map<number, number>;
}

/** Adds up in one round trip, all or nothing. */
export async function addVoteFigures(
  client: RedisClient,
  names: RedisNames,
  delta: VoteFigures & { lastLatencyUs: number | null },
): Promise<void> {
  const key = names.voteFigures();
  const transaction = client.multi();
  transaction.hincrby(key, "votes", delta.votes).hincrby(key, "errors", delta.errors);
  transaction.hincrby(key, "latency_us", Math.round(delta.latencyUs));
  if (delta.lastLatencyUs !== null) transaction.hset(key, "last_us", Math.round(delta.lastLatencyUs));
  for (const [bucket, count] of delta.buckets) transaction.hincrby(key, `b${bucket}`, count);
  const replies = await transaction.exec();
  const failed = replies?.find(([error]) => error !== null)?.[0];
  if (failed) throw failed;
}

export async function readVoteFigures(
  client: RedisClient,
  names: RedisNames,
): Promise<VoteFigures & { lastLatencyUs: number | null }> {
  const fields = await client.hgetall(names.voteFigures());
  const number = (name: string) => Number(fields[name] ?? 0);
  const buckets = Object.entries(fields).flatMap(([name, count]) =>
    /^b\d+$/.test(name) ? [[Number(name.slice(1)), Number(count)] as const] : [],
  );
  return {
    votes: number("votes"),
    errors: number("errors"),
    latencyUs: number("latency_us"),
    lastLatencyUs: fields.last_us === undefined ? null : Number(fields.last_us),
    buckets: new Map(buckets),
  };
}
