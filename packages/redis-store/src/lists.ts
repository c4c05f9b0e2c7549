import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";

/**
 * Makes everything cached of lists out of date at once, on every replica: what is cached carries the generation in its
 * key, so nothing has to be searched for and deleted.
 *
 * @returns the new generation
 */
export async function invalidateLists(client: RedisClient, names: RedisNames): Promise<number> {
  return client.incr(names.listsGeneration());
}
