/** Both stores for one test, with one project in them, and what a worker does. */
import { parseEvent, RedisNames, type VoteType } from "@votesync/core";
import {
  type AppliedEvent,
  applyEvents,
  castFallbackVote,
  connectPostgres,
  createProject,
  ensureShards,
  type FallbackOutcome,
  type PostgresConnection,
  readLastId,
} from "@votesync/postgres-store";
import { type CastOutcome, castVote, connectRedis, type RedisConnection, readEvents } from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { ProjectLoader } from "./project-loader.js";
import type { Stores } from "./stores.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const LATE_US = 9_000_000_000_000_000;

export class TestStores implements Stores {
  readonly loader = new ProjectLoader(this);
  private requests = 0;

  private constructor(
    private readonly connection: RedisConnection,
    private readonly postgres: PostgresConnection,
    private readonly database: TestDatabase,
    readonly names: RedisNames,
  ) {}

  static async create(): Promise<TestStores> {
    const database = await createTestDatabase();
    const postgres = connectPostgres({ url: database.url, name: "reconcile-test", log: SILENT });
    const redis = connectRedis({ url: testRedisUrl(), name: "reconcile-test", log: SILENT });
    await waitFor("redis", () => redis.client.status === "ready");
    const names = new RedisNames(8, uniqueName("reconcile"));
    await ensureShards(postgres.pool, names.shards);
    return new TestStores(redis, postgres, database, names);
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

  async createProject(id: string): Promise<void> {
    await createProject(
      this.postgres.prisma,
      { id, title: id, url: null, boardId: null, ownerId: "owner" },
      new Date(),
    );
  }

  newRequestId(projectId: string): string {
    return `${this.names.shardOf(projectId)}.request-${++this.requests}`;
  }

  /** Casts as an API does, loading the project when it must. */
  async cast(projectId: string, userId: string, voteType: VoteType, requestId = this.newRequestId(projectId)) {
    const cast = { requestId, projectId, userId, voteType, deadlineUs: LATE_US, limit: { max: 0, windowMs: 1 } };
    const outcome = await castVote(this.redis, this.names, cast);
    if (outcome.kind !== "absent") return outcome;
    await this.loader.load(projectId, outcome);
    return castVote(this.redis, this.names, cast) as Promise<CastOutcome>;
  }

  castPastRedis(
    projectId: string,
    userId: string,
    voteType: VoteType,
    o: { requestId?: string; idempotency?: { key: string; fingerprint: string }; unlimited?: boolean } = {},
  ): Promise<FallbackOutcome> {
    return castFallbackVote(this.pool, {
      requestId: o.requestId ?? this.newRequestId(projectId),
      shard: this.names.shardOf(projectId),
      projectId,
      userId,
      voteType,
      limit: { max: o.unlimited === true ? 0 : 5, windowMs: 10_000 },
      idempotency: o.idempotency,
      redisNowUs: null,
    });
  }

  /** Applies all events of the project's shard, as its worker does; those that are said to fail are parked. */
  async apply(projectId: string, fails: (applied: AppliedEvent) => boolean = () => false): Promise<void> {
    const shard = this.names.shardOf(projectId);
    const fromId = await readLastId(this.pool, shard);
    const entries = await readEvents(this.redis, this.names, { shard, afterId: fromId, count: 10_000 });
    const toId = entries.at(-1)?.id;
    if (toId === undefined) return;
    const all = entries.map(({ id, fields, wire }) => ({ streamId: id, fields, event: parseEvent(wire) }));
    await applyEvents(this.pool, { shard, fromId, toId, ...split(all, fails), retryAt: new Date() });
  }

  async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.pool.query(sql, values)).rows as T[];
  }
}

function split(all: AppliedEvent[], fails: (applied: AppliedEvent) => boolean) {
  const failed = all.filter(fails).map((applied) => ({ ...applied, error: "refused" }));
  return { events: all.filter((applied) => !fails(applied)), failed };
}
