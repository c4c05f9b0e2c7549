/** Both stores for one test, a clock of its own, and short words for what happens on leaderboards. */
import { type Board, boardName, boardsAt, LEADERBOARD_PERIODS, parseEvent, RedisNames } from "@votesync/core";
import {
  applyEvents,
  connectPostgres,
  ensureShards,
  givePointsByHand,
  type PostgresConnection,
  readLastId,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { connectRedis, type RedisConnection, readEvents } from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { v4 as uuidv4 } from "uuid";
import { giveHandPoints } from "./points-reader.js";
import { type RestoreReport, restoreBoards } from "./restore.js";
import { runSync, type SyncDeps, type SyncOptions } from "./sync.js";
import type { SyncReport } from "./sync-report.js";

const SILENT = { info: () => undefined, warn: () => undefined };
export const NOON = Date.parse("2026-11-23T12:00:00Z");

export class TestBoards implements Stores {
  zone = "UTC";
  nowMs = NOON;
  private requests = 0;

  private constructor(
    private readonly connection: RedisConnection,
    readonly postgres: PostgresConnection,
    private readonly database: TestDatabase,
    readonly names: RedisNames,
  ) {}

  static async create(): Promise<TestBoards> {
    const database = await createTestDatabase();
    const postgres = connectPostgres({ url: database.url, name: "leaderboard-test", log: SILENT });
    const redis = connectRedis({ url: testRedisUrl(), name: "leaderboard-test", log: SILENT });
    await waitFor("redis", () => redis.client.status === "ready");
    const names = new RedisNames(8, uniqueName("boards"));
    await ensureShards(postgres.pool, names.shards);
    return new TestBoards(redis, postgres, database, names);
  }

  get redis() {
    return this.connection.client;
  }

  get pool() {
    return this.postgres.pool;
  }

  async remove(): Promise<void> {
    await this.connection.close();
    await this.postgres.close();
    await this.database.drop();
  }

  get boards(): Board[] {
    return boardsAt(this.nowMs, this.zone);
  }

  async score(userId: string, points: number): Promise<void> {
    const requestKey = `request ${++this.requests}`;
    await givePointsByHand(this.pool, { userId, requestKey, points, givenAt: new Date(this.nowMs) });
    await giveHandPoints(this, this.zone);
  }

  /** Applies all events, as workers do. */
  async applyAll(): Promise<void> {
    for (const shard of this.names.allShards()) {
      const fromId = await readLastId(this.pool, shard);
      const entries = await readEvents(this.redis, this.names, { shard, afterId: fromId, count: 10_000 });
      const toId = entries.at(-1)?.id;
      if (toId === undefined) continue;
      const events = entries.map(({ id, fields, wire }) => ({ streamId: id, fields, event: parseEvent(wire) }));
      await applyEvents(this.pool, { shard, fromId, toId, events, failed: [], retryAt: new Date() });
    }
  }

  restore(): Promise<RestoreReport> {
    const points = { up: 1, down: 0, none: 0 };
    return restoreBoards({ stores: this, zone: this.zone, points, nowMs: () => this.nowMs }, uuidv4());
  }

  /** Of a sync that waits for nobody. */
  get deps(): SyncDeps {
    const guard = { maxDeleteRatio: 0.2, maxDeleteMin: 10 };
    return { stores: this, zone: this.zone, ...guard, nowMs: () => this.nowMs, pointsWaitMs: 0 };
  }

  sync(o: Partial<SyncOptions> = {}): Promise<SyncReport> {
    const options = { runId: uuidv4(), trigger: "manual" as const, dryRun: false, full: false, force: false };
    return runSync(this.deps, { ...options, periods: LEADERBOARD_PERIODS, ...o });
  }

  /** Everything of leaderboards in Redis is gone, as after a loss of its disk. */
  async wipe(): Promise<void> {
    const keys = await this.redis.keys(`${this.names.prefix}:{boards}:*`);
    if (keys.length > 0) await this.redis.unlink(...keys);
  }

  /** User → points, of one board in Redis. */
  async inRedis(board: Board): Promise<Record<string, number>> {
    const reply = await this.redis.zrange(this.names.boards + boardName(board), "0", "-1", "WITHSCORES");
    const points: Record<string, number> = {};
    for (let i = 0; i < reply.length; i += 2) points[reply[i] as string] = Number(reply[i + 1]);
    return points;
  }

  /** The same in PostgreSQL. */
  async inPostgres({ period, key }: Board): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ user_id: string; points: number }>(
      "SELECT user_id, points FROM leaderboard_entries WHERE period = $1 AND key = $2",
      [period, key],
    );
    return Object.fromEntries(rows.map((row) => [row.user_id, row.points]));
  }
}
