/**
 * Reading a shard's stream of vote events. Plain reads from an id the reader keeps: no consumer group, so there is
 * nothing to acknowledge, nothing pending that could be forgotten, and any number of readers cost each other nothing.
 * Reads never block: a blocked connection needs one of its own per node and outlives a reset badly.
 */
import { type RedisNames, wireOf } from "@votesync/core";
import type { RedisClient } from "./connection.js";

/** The id before the first entry of any stream. */
export const STREAM_START = "0-0";

export interface StreamEntry {
  id: string;
  /** The event's wire form; `undefined` when the entry has none. */
  wire: string | undefined;
  /** All fields, for a report on an entry that cannot be read. */
  fields: string[];
}

/** At most `count` entries after `afterId`, oldest first. */
export async function readEvents(
  client: RedisClient,
  names: RedisNames,
  read: { shard: number; afterId: string; count: number },
): Promise<StreamEntry[]> {
  return readStream(client, names.events(read.shard), read);
}

/**
 * At most `count` entries after `afterId`, which must still be there itself: a stream without it has lost data, and what follows
 * may follow a gap.
 * @returns `null` when it is not there
 */
export async function readEventsFollowing(
  client: RedisClient,
  names: RedisNames,
  read: { shard: number; afterId: string; count: number },
): Promise<StreamEntry[] | null> {
  const entries = await client.xrange(names.events(read.shard), read.afterId, "+", "COUNT", read.count + 1);
  if (entries[0]?.[0] !== read.afterId) return null;
  return entries.slice(1).map(([id, fields]) => ({ id, wire: wireOf(fields), fields }));
}

/** The same as `readEvents` for a stream by its key. */
export async function readStream(
  client: RedisClient,
  key: string,
  read: { afterId: string; count: number },
): Promise<StreamEntry[]> {
  const reply = await client.xread("COUNT", read.count, "STREAMS", key, read.afterId);
  const entries = reply?.[0]?.[1] ?? [];
  return entries.map(([id, fields]) => ({ id, wire: wireOf(fields), fields }));
}

/** One entry, `null` when it is not (any more) there. */
export async function readEntry(
  client: RedisClient,
  names: RedisNames,
  entry: { shard: number; id: string },
): Promise<StreamEntry | null> {
  const [found] = await client.xrange(names.events(entry.shard), entry.id, entry.id);
  if (found === undefined) return null;
  const [id, fields] = found;
  return { id, wire: wireOf(fields), fields };
}

/** Drops entries before `minId`. By id, never by length: a length would drop what nobody has read yet. */
export async function trimEvents(
  client: RedisClient,
  names: RedisNames,
  trim: { shard: number; minId: string },
): Promise<number> {
  return client.xtrim(names.events(trim.shard), "MINID", "~", trim.minId);
}

/** The id of the shard's last entry. */
export async function readStreamEnd(client: RedisClient, names: RedisNames, shard: number): Promise<string> {
  const [last] = await client.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
  return last?.[0] ?? STREAM_START;
}
