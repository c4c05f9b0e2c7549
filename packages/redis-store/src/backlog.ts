/** What waits in a shard's stream to be applied. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { readEvents } from "./event-stream.js";

const ENTRIES_PER_PAGE = 1_000;
/** Counting goes no further: a backlog of a hundred thousand is told by its age. */
const MAX_PAGES = 100;

/** @returns how many entries wait, up to 100,000, and when the oldest was written, ms since 1970 */
export async function readBacklog(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; afterId: string },
): Promise<{ entries: number; oldestMs: number | null }> {
  let entries = 0;
  let oldestMs: number | null = null;
  let afterId = o.afterId;
  for (let page = 0; page < MAX_PAGES; page++) {
    const found = await readEvents(client, names, { shard: o.shard, afterId, count: ENTRIES_PER_PAGE });
    entries += found.length;
    oldestMs ??= found[0] === undefined ? null : Number(found[0].id.split("-")[0]);
    if (found.length < ENTRIES_PER_PAGE) break;
    afterId = found.at(-1)?.id ?? afterId;
  }
  return { entries, oldestMs };
}
