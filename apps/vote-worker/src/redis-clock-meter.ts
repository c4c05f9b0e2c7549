/**
 * Measures by how much Redis's clock is ahead of PostgreSQL's, so that the fallback stamps votes as Redis would: also on a replica
 * that has never reached Redis.
 */
import { observeRedisClock } from "@votesync/postgres-store";
import type { RedisClient } from "@votesync/redis-store";
import { createLoop, type Logger, type Loop } from "@votesync/service-kit";
import type pg from "pg";

const EVERY_MS = 1_000;

export function createRedisClockMeter(redis: RedisClient, pool: pg.Pool, log: Logger): Loop {
  const runOnce = async () => {
    await observeRedisClock(pool, async () => {
      const [seconds, microseconds] = await redis.time();
      return Number(seconds) * 1_000_000 + Number(microseconds);
    });
    return false;
  };
  return createLoop({ name: "redis-clock", runOnce, idleMs: EVERY_MS, log });
}
