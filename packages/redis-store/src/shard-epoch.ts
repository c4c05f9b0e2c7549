/** The mark in Redis that says which life of its data this is, and what a shard's stream knows of itself. */
import type { RedisNames } from "@votesync/core";
import { IDEMPOTENCY_TTL_S } from "./cast-vote.js";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";
import { scanMembers } from "./scan-members.js";
import { callScript } from "./scripts.js";

/** `null`: this Redis never held the shard's data, or lost them. */
export function readEpoch(client: RedisClient, names: RedisNames, shard: number): Promise<string | null> {
  return client.get(names.epoch(shard));
}

/** From now on Redis carries the marks of this epoch and of this installation. */
export async function writeEpoch(
  client: RedisClient,
  names: RedisNames,
  shard: number,
  { epoch, installation }: { epoch: string; installation: string },
): Promise<void> {
  await client.mset(names.installation(shard), installation, names.epoch(shard), epoch);
}

/** Remembers up to where PostgreSQL has applied the shard. The mark only grows. @returns the mark as it stands now */
export async function markApplied(client: RedisClient, names: RedisNames, shard: number, lastId: string) {
  return (await callScript(client, "mark-applied", [names.applied(shard)], [lastId])) as string;
}

/** What Redis knows of a shard's data, and of how far PostgreSQL once was. */
export interface ShardMarks {
  /** `null`: this Redis never held the shard's data, or lost them. */
  epoch: string | null;
  /** `null` where a release before 0.2 wrote the data. */
  installation: string | null;
  /** Up to where PostgreSQL is known to have applied the shard; `null` when nobody has said so yet. */
  applied: string | null;
  /** How many votes of the fallback PostgreSQL is known to have. */
  fallbackVotes: number;
}

export async function readShardMarks(client: RedisClient, names: RedisNames, shard: number): Promise<ShardMarks> {
  const [epoch = null, installation = null, applied = null, votes] = await client.mget(
    names.epoch(shard),
    names.installation(shard),
    names.applied(shard),
    names.fallbackVotes(shard),
  );
  return { epoch, installation, applied, fallbackVotes: Number(votes ?? 0) };
}

/** As long as a key may be repeated, a cast that does not know its key asks PostgreSQL for it. */
export async function markKeysLost(client: RedisClient, names: RedisNames, shard: number): Promise<void> {
  await client.set(names.keysLost(shard), "1", "EX", IDEMPOTENCY_TTL_S);
}

/** Whether the shard's stream still holds this entry. */
export async function holdsEntry(client: RedisClient, names: RedisNames, shard: number, id: string): Promise<boolean> {
  return (await client.xrange(names.events(shard), id, id)).length > 0;
}

/** Whether the shard's stream still holds everything after this entry. */
export async function holdsAllAfter(
  client: RedisClient,
  names: RedisNames,
  { shard, id }: { shard: number; id: string },
): Promise<boolean> {
  if (id !== STREAM_START) return holdsEntry(client, names, shard, id);
  const key = names.events(shard);
  if ((await client.exists(key)) === 0) return false;
  const info = (await client.xinfo("STREAM", key)) as unknown[];
  return info[info.indexOf("max-deleted-entry-id") + 1] === STREAM_START;
}

/**
 * From now on the stream gives out only ids after `appliedId`. See `continue-stream.lua`.
 * @returns the last id it gave out, as it now says
 */
export async function continueStream(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; appliedId: string },
): Promise<string> {
  return (await callScript(client, "continue-stream", [names.events(o.shard)], [o.appliedId])) as string;
}

/** About as many ids a page has; a small list comes as one page. */
const SCANNED_PER_PAGE = 500;

/** Every project that is in Redis from the first page to the last, held or not, in pages. One may come twice. */
export async function* scanLoadedProjects(
  client: RedisClient,
  names: RedisNames,
  shard: number,
): AsyncGenerator<string[]> {
  yield* scanMembers(client, names.loaded(shard), SCANNED_PER_PAGE);
}

export function countLoadedProjects(client: RedisClient, names: RedisNames, shard: number): Promise<number> {
  return client.zcard(names.loaded(shard));
}
