import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "@votesync/redis-store";
import type pg from "pg";

/** The two stores that this package keeps the same. */
export interface Stores {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
}
