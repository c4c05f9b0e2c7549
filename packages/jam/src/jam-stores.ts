import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "@votesync/redis-store";
import type pg from "pg";

/** PostgreSQL says which streams a board has, Redis keeps it ready to be read. */
export interface JamStores {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
}
