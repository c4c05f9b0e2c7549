/** What one process has to both stores. */
import type { RedisClient } from "@votesync/redis-store";
import type pg from "pg";
import { Link } from "./link.js";
import { LinkedPool, linkedRedis } from "./linked-stores.js";
import type { Operations } from "./operations.js";
import type { TwoStores } from "./two-stores.js";

export class Links {
  readonly redis: Link;
  readonly postgres: Link;
  readonly redisClient: RedisClient;
  private readonly linkedPool: LinkedPool;

  constructor(name: string, stores: TwoStores, operations: Operations) {
    this.redis = new Link(`${name} to Redis`, operations);
    this.postgres = new Link(`${name} to PostgreSQL`, operations);
    this.redisClient = linkedRedis(stores, this.redis);
    this.linkedPool = new LinkedPool(stores.pool, this.postgres, operations);
  }

  get pool(): pg.Pool {
    return this.linkedPool.pool;
  }

  get areDead(): boolean {
    return this.redis.isOfTheDead;
  }

  heal(): void {
    this.redis.heal();
    this.postgres.heal();
  }

  dropPostgres(): Promise<void> {
    return this.linkedPool.drop();
  }

  kill(): void {
    this.redis.kill();
    this.postgres.kill();
    void this.linkedPool.drop();
  }
}
