import type { RedisNames } from "@votesync/core";
import { publishBroadcast, type RedisClient } from "@votesync/redis-store";

/** Tells whoever watches the board that streams came or went. Without Redis they find out by looking, seconds later. */
export async function announceBoard(
  { redis, names }: { redis: RedisClient; names: RedisNames },
  boardId: string,
): Promise<void> {
  await publishBroadcast(redis, names, { event: "board:changed", body: { boardId } }).catch(() => undefined);
}
