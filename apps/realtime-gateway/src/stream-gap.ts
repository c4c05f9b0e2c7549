/**
 * Whether a reader that keeps its own cursor has missed entries. Redis reads on from any id without complaint, also
 * when what came next was trimmed, or when the stream is another one than before; so the reader has to ask.
 *
 * Ids alone cannot tell: XTRIM does not move `max-deleted-entry-id` (only XDEL does; seen on Redis 7.0), and ids are
 * times, so the stream of a Redis that lost its data soon looks like the old one's continuation. Hence the count: a
 * stream knows how many entries it ever took, and a reader how many of them lie behind its cursor.
 */
import { compareStreamIds, type RedisNames } from "@votesync/core";
import { type RedisClient, STREAM_START } from "@votesync/redis-store";

/** How far a reader has come in a shard's stream. */
export interface Cursor {
  /** Of the last entry behind it. */
  id: string;
  /** Entries the stream had taken up to there, trimmed ones too. */
  entries: number;
}

const START: Cursor = { id: STREAM_START, entries: 0 };

/** The cursor behind everything there is. */
export async function streamEnd(client: RedisClient, names: RedisNames, shard: number): Promise<Cursor> {
  return (await readExtent(client, names.events(shard)))?.end ?? START;
}

/** @returns where to go on when entries were missed, `null` when reading on misses nothing. */
export async function findGap(
  client: RedisClient,
  names: RedisNames,
  reader: { shard: number; cursor: Cursor },
): Promise<Cursor | null> {
  const { shard, cursor } = reader;
  const extent = await readExtent(client, names.events(shard));
  if (extent === null) return cursor.id === STREAM_START ? null : START;
  const wentBack = compareStreamIds(extent.end.id, cursor.id) < 0;
  const unreadTrimmed = extent.trimmed > cursor.entries;
  // Fewer were trimmed than read, so the last one read must still be there; if not, this is another stream.
  const mustHold = extent.trimmed < cursor.entries;
  const missed = wentBack || unreadTrimmed || (mustHold && !(await holds(client, names.events(shard), cursor.id)));
  return missed ? extent.end : null;
}

async function holds(client: RedisClient, stream: string, id: string): Promise<boolean> {
  return (await client.xrange(stream, id, id)).length > 0;
}

interface StreamExtent {
  end: Cursor;
  /** Entries taken and gone. */
  trimmed: number;
}

/** `null`: no such stream. */
async function readExtent(client: RedisClient, stream: string): Promise<StreamExtent | null> {
  if ((await client.exists(stream)) === 0) return null;
  const reply = (await client.xinfo("STREAM", stream)) as unknown[];
  const value = (name: string) => reply[reply.indexOf(name) + 1];
  const entries = Number(value("entries-added"));
  return { end: { id: String(value("last-generated-id")), entries }, trimmed: entries - Number(value("length")) };
}
