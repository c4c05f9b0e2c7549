/** The stores a command works on, from the environment; closed when its work is done, however that ends. */
import { setTimeout as delay } from "node:timers/promises";
import { RedisNames } from "@votesync/core";
import { connectPostgres, postgresConfigShape } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { connectRedis, redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { parseConfig } from "@votesync/service-kit";
import { z } from "zod";
import { stderrLog } from "./stderr-log.js";

const READY_WAIT_MS = 5_000;
const READY_POLL_MS = 20;

const configSchema = withRedisAddress(z.object({ ...postgresConfigShape, ...redisConfigShape }));

/** Redis may still be connecting, or be away: what needs it waits for `redisReady`. */
export async function withStores<T>(name: string, work: (stores: Stores) => Promise<T>): Promise<T> {
  const config = parseConfig(configSchema, process.env);
  const postgres = connectPostgres({ url: config.DATABASE_URL, name, poolSize: 2, log: stderrLog });
  const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name, log: stderrLog });
  try {
    return await work({ redis: redis.client, pool: postgres.pool, names: new RedisNames(config.VOTE_SHARDS) });
  } finally {
    await redis.close();
    await postgres.close();
  }
}

/** A connection that is still being made fails every call; one that cannot be made says so itself. */
export async function redisReady({ redis }: Stores): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WAIT_MS;
  while (redis.status !== "ready" && performance.now() < giveUpAtMs) await delay(READY_POLL_MS);
}
