import type { RedisClient } from "./connection.js";

/**
 * Every member that a sorted set has from the first page to the last, in pages and in no order. One may come twice.
 * @param count about as many a page has; a small set comes as one page
 */
export async function* scanMembers(client: RedisClient, key: string, count: number): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const [next, found] = await client.zscan(key, cursor, "COUNT", count);
    // Members and scores take turns.
    const members = found.filter((_, i) => i % 2 === 0);
    if (members.length > 0) yield members;
    cursor = next;
  } while (cursor !== "0");
}
