import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames, type VoteType } from "@votesync/core";
import {
  connectPostgres,
  createProject,
  type PostgresConnection,
  readColdProject,
  readLastId,
} from "@votesync/postgres-store";
import {
  castVote,
  connectRedis,
  loadProject,
  NEVER_LOADED,
  type RedisConnection,
  readCounts,
} from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { type AppliedBatch, ShardApplier } from "./shard-applier.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const PROJECT = "p1";

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;
let shard: number;
let applied: AppliedBatch[];
let requests = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "shard-applier-test", log: SILENT });
  redis = connectRedis({ url: testRedisUrl(), name: "shard-applier-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
  names = new RedisNames(8, uniqueName("applier"));
  shard = names.shardOf(PROJECT);
  applied = [];
  await createProject(
    postgres.prisma,
    { id: PROJECT, title: "One", url: null, boardId: null, ownerId: "owner" },
    new Date(),
  );
  const cold = await readColdProject(postgres.pool, { projectId: PROJECT, shard, maxVoters: 10_000 });
  if (cold !== null) await loadProject(redis.client, names, cold, NEVER_LOADED);
});
afterEach(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

function newApplier(batchSize = 100): ShardApplier {
  const onApplied = (batch: AppliedBatch) => void applied.push(batch);
  return new ShardApplier(shard, { pool: postgres.pool, redis: redis.client, names, batchSize, onApplied });
}

async function vote(userId: string, voteType: VoteType): Promise<void> {
  const outcome = await castVote(redis.client, names, {
    requestId: `${shard}.${requests++}`,
    projectId: PROJECT,
    userId,
    voteType,
    deadlineUs: Number.MAX_SAFE_INTEGER,
    limit: { max: 0, windowMs: 1 },
  });
  expect(outcome.kind).toBe("answer");
}

async function rows(sql: string): Promise<unknown[]> {
  return (await postgres.pool.query(sql)).rows;
}

const countersInPostgres = () => rows("SELECT upvotes, downvotes, version FROM projects");

async function expectSameCounters(): Promise<void> {
  const counts = await readCounts(redis.client, names, [PROJECT]);
  expect(await countersInPostgres()).toEqual([counts.get(PROJECT)]);
}

test("a batch becomes one row per user, one event per change, and the counters of Redis", async () => {
  for (const [user, wish] of [
    ["ann", "up"],
    ["bob", "down"],
    ["ann", "down"],
    ["cem", "up"],
    ["cem", "none"],
  ] as const) {
    await vote(user, wish);
  }
  expect(await newApplier().runOnce()).toBe(5);
  expect(await rows("SELECT user_id, vote_type FROM votes ORDER BY 1")).toEqual([
    { user_id: "ann", vote_type: "down" },
    { user_id: "bob", vote_type: "down" },
    { user_id: "cem", vote_type: "none" },
  ]);
  expect(await rows("SELECT count(*) AS n FROM vote_events")).toEqual([{ n: 5 }]);
  await expectSameCounters();
  expect(applied.flatMap((batch) => batch.drifted)).toEqual([]);
});

test("two workers that both believe they own the shard apply each event once", async () => {
  const workers = [newApplier(7), newApplier(7)];
  for (let user = 0; user < 60; user++) await vote(`user${user}`, user % 3 === 0 ? "down" : "up");
  // Both have read the same last id before either writes.
  for (let round = 0; round < 20; round++) await Promise.all(workers.map((worker) => worker.runOnce()));
  expect(applied.flatMap((batch) => batch.events)).toHaveLength(60);
  expect(await rows("SELECT count(*) AS n FROM vote_events")).toEqual([{ n: 60 }]);
  await expectSameCounters();
});

test("an entry written by hand becomes a dead letter, and the votes around it are applied", async () => {
  await vote("ann", "up");
  await redis.client.xadd(names.events(shard), "*", "hello", "wor\0ld");
  await redis.client.xadd(names.events(shard), "*", "e", "1\nvote\nonly three");
  await vote("bob", "up");
  await newApplier().runOnce();
  expect(await rows("SELECT fields, error FROM dead_letters ORDER BY stream_id")).toEqual([
    { fields: ["hello", "wor\uFFFDld"], error: 'no field "e"' },
    { fields: ["e", "1\nvote\nonly three"], error: "unknown format" },
  ]);
  await expectSameCounters();
});

test("one event that PostgreSQL refuses is found by halving and parked alone", async () => {
  for (let user = 0; user < 9; user++) await vote(`user${user}`, "up");
  const [original] = await redis.client.xrange(names.events(shard), "-", "+", "COUNT", 1);
  // The same event again: its primary key is taken, which no retry mends.
  await redis.client.xadd(names.events(shard), "*", ...(original?.[1] ?? []));
  for (let user = 9; user < 20; user++) await vote(`user${user}`, "up");
  await newApplier().runOnce();
  expect(await rows("SELECT count(*) AS n FROM dead_letters")).toEqual([{ n: 1 }]);
  expect(await countersInPostgres()).toMatchObject([{ upvotes: 20 }]);
  const [last] = await redis.client.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
  expect(await readLastId(postgres.pool, shard)).toBe(last?.[0]);
});

test("counters somebody changed in PostgreSQL are noticed with the next vote", async () => {
  await vote("ann", "up");
  const applier = newApplier();
  await applier.runOnce();
  await postgres.pool.query("UPDATE projects SET upvotes = 41");
  await vote("bob", "up");
  await applier.runOnce();
  expect(applied.at(-1)?.drifted).toEqual([PROJECT]);
});

test("an event older than its row changes neither the row nor the counters", async () => {
  await vote("ann", "up");
  await newApplier().runOnce();
  await postgres.pool.query("UPDATE votes SET version = version + 1000000000");
  await vote("ann", "down");
  await newApplier().runOnce();
  expect(await rows("SELECT vote_type FROM votes")).toEqual([{ vote_type: "up" }]);
  expect(await countersInPostgres()).toMatchObject([{ upvotes: 1, downvotes: 0 }]);
});
