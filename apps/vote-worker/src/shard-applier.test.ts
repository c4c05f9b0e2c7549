import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { NewerEventError, RedisNames, type VoteEvent, type VoteType, voteWire } from "@votesync/core";
import {
  connectPostgres,
  createProject,
  type PostgresConnection,
  readColdProject,
  readLastId,
  readShardEpoch,
} from "@votesync/postgres-store";
import {
  castVote,
  connectRedis,
  loadProject,
  NEVER_LOADED,
  type RedisConnection,
  readCounts,
  writeEpoch,
} from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { type AppliedBatch, PostgresBehindError, ShardApplier, StreamGapError } from "./shard-applier.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const PROJECT = "p1";
const NOW = new Date("2026-11-23T10:00:00Z");

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

function newApplier(batchSize = 100, bringOver = (behind: Error) => Promise.reject<void>(behind)): ShardApplier {
  const onApplied = (batch: AppliedBatch) => void applied.push(batch);
  const options = { batchSize, onApplied, bringOver, retryDelayMs: 5_000, now: () => NOW };
  return new ShardApplier(shard, { pool: postgres.pool, redis: redis.client, names, ...options });
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

const EVENT: VoteEvent = {
  kind: "vote",
  requestId: "0.by-hand",
  projectId: PROJECT,
  period: 0,
  userId: "dan",
  action: "created",
  voteType: "up",
  previousVoteType: "none",
  previousAtUs: 0,
  version: 10,
  stamp: 10,
  upvotes: 1,
  downvotes: 0,
  acceptedAtUs: 1_764_000_000_000_000,
  idempotency: null,
};

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

test("an entry written by hand is parked for its first retry, and the votes around it are applied", async () => {
  await vote("ann", "up");
  await redis.client.xadd(names.events(shard), "*", "hello", "wor\0ld");
  await redis.client.xadd(names.events(shard), "*", "e", "1\nvote\nonly three");
  await vote("bob", "up");
  await newApplier().runOnce();
  expect(await rows("SELECT fields, error, attempts, next_attempt_at FROM parked_events ORDER BY stream_id")).toEqual([
    {
      fields: ["hello", "wor\uFFFFld"],
      error: 'no field "e"',
      attempts: 1,
      next_attempt_at: new Date("2026-11-23T10:00:05Z"),
    },
    expect.objectContaining({ fields: ["e", "1\nvote\nonly three"], error: "unknown format" }),
  ]);
  await expectSameCounters();
});

test("one event that PostgreSQL refuses is found by halving and parked alone", async () => {
  await rows("ALTER TABLE votes ADD CONSTRAINT poison CHECK (user_id <> 'user7')");
  for (let user = 0; user < 20; user++) await vote(`user${user}`, "up");
  await newApplier().runOnce();
  expect(await rows("SELECT project_id, user_id, request_id, error FROM parked_events")).toEqual([
    {
      project_id: PROJECT,
      user_id: "user7",
      request_id: `${shard}.${requests - 13}`,
      error: 'new row for relation "votes" violates check constraint "poison"',
    },
  ]);
  expect(await countersInPostgres()).toMatchObject([{ upvotes: 19 }]);
  const [last] = await redis.client.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
  expect(await readLastId(postgres.pool, shard)).toBe(last?.[0]);
});

test("what a trigger raises against one event parks that event alone", async () => {
  await rows(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON votes FOR EACH ROW WHEN (NEW.user_id = 'bob') EXECUTE FUNCTION refuse()`);
  for (const user of ["ann", "bob", "cem"]) await vote(user, "up");
  await newApplier().runOnce();
  expect(await rows("SELECT user_id, error FROM parked_events")).toEqual([{ user_id: "bob", error: "not this one" }]);
  expect(await countersInPostgres()).toMatchObject([{ upvotes: 2 }]);
});

test("an event that stands in the stream twice counts once, and is no failure", async () => {
  await vote("ann", "up");
  const [original] = await redis.client.xrange(names.events(shard), "-", "+", "COUNT", 1);
  await redis.client.xadd(names.events(shard), "*", ...(original?.[1] ?? []));
  await newApplier().runOnce();
  expect(await rows("SELECT count(*) AS n FROM vote_events")).toEqual([{ n: 1 }]);
  expect(await rows("SELECT count(*) AS n FROM parked_events")).toEqual([{ n: 0 }]);
  await expectSameCounters();
});

test("an event of a project that does not exist is parked, and leaves no rows", async () => {
  await vote("ann", "up");
  await redis.client.xadd(names.events(shard), "*", "e", voteWire({ ...EVENT, projectId: "nowhere" }));
  await vote("bob", "up");
  await newApplier().runOnce();
  expect(await rows("SELECT project_id, error FROM parked_events")).toEqual([
    { project_id: "nowhere", error: "there is no such project" },
  ]);
  expect(await rows("SELECT DISTINCT project_id FROM votes UNION SELECT project_id FROM vote_events")).toEqual([
    { project_id: PROJECT },
  ]);
  await expectSameCounters();
});

test("of two events of a user that came in the wrong order, the newer one counts", async () => {
  const newer = { ...EVENT, projectId: PROJECT, version: 20 };
  await redis.client.xadd(names.events(shard), "*", "e", voteWire(newer));
  await redis.client.xadd(names.events(shard), "*", "e", voteWire({ ...newer, voteType: "down", version: 10 }));
  await newApplier().runOnce();
  expect(await rows("SELECT vote_type, version FROM votes")).toEqual([{ vote_type: "up", version: 20 }]);
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

test("an event of a newer release stops the shard: what is before it is applied, and nothing is parked", async () => {
  await vote("ann", "up");
  await redis.client.xadd(names.events(shard), "*", "e", "3\nvote\nin a way that nobody here knows");
  await vote("bob", "up");
  const applier = newApplier();
  expect(await applier.runOnce()).toBe(1);
  for (let i = 0; i < 2; i++) await expect(applier.runOnce()).rejects.toThrow(NewerEventError);
  expect(await rows("SELECT user_id FROM votes")).toEqual([{ user_id: "ann" }]);
  expect(await rows("SELECT FROM parked_events")).toEqual([]);
});

test("a stream that lost the entry at the watermark is not read on, until its shard begins anew", async () => {
  await vote("ann", "up");
  await newApplier().runOnce();
  await redis.client.xtrim(names.events(shard), "MAXLEN", 0);
  await vote("bob", "up");
  const applier = newApplier();
  await expect(applier.runOnce()).rejects.toThrow(StreamGapError);
  expect(await rows("SELECT user_id FROM votes")).toEqual([{ user_id: "ann" }]);
  await postgres.pool.query("UPDATE shard_progress SET epoch_from_id = last_id");
  expect(await applier.runOnce()).toBe(1);
  expect(await rows("SELECT user_id FROM votes ORDER BY 1")).toEqual([{ user_id: "ann" }, { user_id: "bob" }]);
});

test("a worker notices that PostgreSQL was put back, though no new event comes", async () => {
  await vote("ann", "up");
  const applier = newApplier();
  await applier.runOnce();
  await applier.runOnce();
  await writeEpoch(redis.client, names, shard, await readShardEpoch(postgres.pool, shard));
  await postgres.pool.query("DELETE FROM votes");
  await postgres.pool.query("UPDATE shard_progress SET last_id = '0-0'");
  // Nor does it go on where nothing could be brought over.
  await expect(newApplier(100, () => Promise.resolve()).runOnce()).rejects.toThrow(PostgresBehindError);
  await waitFor("the worker to look", () =>
    applier.runOnce().then(
      () => false,
      (error) => error instanceof PostgresBehindError,
    ),
  );
});
