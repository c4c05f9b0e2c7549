/** Parked events, from their failure to their end. The clock is moved by hand; the stores are real. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { parseEvent, RedisNames, type VoteEvent, type VoteType, voteWire } from "@votesync/core";
import { connectPostgres, createProject, type PostgresConnection } from "@votesync/postgres-store";
import { ProjectLoader } from "@votesync/reconcile";
import {
  castVote,
  connectRedis,
  parseOutcome,
  type RedisConnection,
  readCounts,
  readStream,
  STREAM_START,
} from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import type pg from "pg";
import { Retries, type RetryResult } from "./retries.js";
import { ShardApplier } from "./shard-applier.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const PROJECT = "p1";
const DELAYS_MS = [5_000, 10_000, 20_000];
const POISON = "ALTER TABLE votes ADD CONSTRAINT poison CHECK (user_id <> 'eve')";
const CURE = "ALTER TABLE votes DROP CONSTRAINT poison";

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;
let shard: number;
let nowMs: number;
let retried: RetryResult["kind"][];
let drifted: string[];
let requests = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "retries-test", log: SILENT });
  redis = connectRedis({ url: testRedisUrl(), name: "retries-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
  names = new RedisNames(8, uniqueName("retries"));
  shard = names.shardOf(PROJECT);
  [nowMs, retried, drifted] = [Date.now(), [], []];
  await newProject(PROJECT);
});
afterEach(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

const newProject = (id: string) =>
  createProject(postgres.prisma, { id, title: id, url: null, boardId: null, ownerId: "owner" }, new Date());

const stores = (pool: pg.Pool = postgres.pool) => ({ pool, redis: redis.client, names });
const now = () => new Date(nowMs);

function newRetries(pool?: pg.Pool): Retries {
  const onRetried = (_entry: unknown, { kind }: RetryResult) => void retried.push(kind);
  return new Retries({ ...stores(pool), delaysMs: DELAYS_MS, shards: () => [shard], now, onRetried });
}

/** Applies all that is in the stream, as the worker of the shard does. */
async function apply(): Promise<void> {
  const options = { batchSize: 100, retryDelayMs: 5_000, now, bringOver: refuse, onApplied: noteDrift };
  await new ShardApplier(shard, { ...stores(), ...options }).runOnce();
}

const refuse = (behind: Error) => Promise.reject(behind);
const noteDrift = (batch: { drifted: string[] }) => void drifted.push(...batch.drifted);

async function vote(userId: string, voteType: VoteType, requestId = `${shard}.${requests++}`): Promise<void> {
  const limit = { max: 0, windowMs: 1 };
  const cast = { requestId, projectId: PROJECT, userId, voteType, deadlineUs: Number.MAX_SAFE_INTEGER, limit };
  const outcome = await castVote(redis.client, names, cast);
  if (outcome.kind !== "absent") return expect(outcome.kind).toBe("answer");
  await new ProjectLoader(stores()).load(PROJECT, outcome);
  return vote(userId, voteType, requestId);
}

/** Every retry there is, each at its time. */
async function retryToTheEnd(): Promise<void> {
  const retries = newRetries();
  for (const delayMs of DELAYS_MS) {
    nowMs += delayMs;
    await retries.runOnce();
  }
}

async function rows(sql: string): Promise<unknown[]> {
  return (await postgres.pool.query(sql)).rows;
}

const votes = () => rows("SELECT user_id, vote_type FROM votes ORDER BY 1");
const parked = () => rows("SELECT attempts FROM parked_events");
const letters = () => rows("SELECT attempts, withdrawn_at IS NOT NULL AS settled, withdrawn_version FROM dead_letters");

async function expectSameCounters(counts: { upvotes: number; downvotes: number }): Promise<void> {
  const inRedis = (await readCounts(redis.client, names, [PROJECT])).get(PROJECT);
  expect(inRedis).toMatchObject(counts);
  expect(await rows("SELECT upvotes, downvotes, version FROM projects")).toEqual([inRedis]);
}

async function outcomes() {
  const entries = await readStream(redis.client, names.outcomes(), { afterId: STREAM_START, count: 100 });
  return entries.map((entry) => parseOutcome(entry));
}

test("a poisoned event is tried after 5, 10 and 20 s, then its vote is taken out of Redis and its voter told", async () => {
  await rows(POISON);
  await vote("ann", "up");
  await vote("eve", "up", `${shard}.doomed`);
  await apply();
  const retries = newRetries();
  for (const [i, delayMs] of DELAYS_MS.entries()) {
    nowMs += delayMs - 1;
    await retries.runOnce();
    expect(await parked()).toEqual([{ attempts: i + 1 }]);
    nowMs += 1;
    await retries.runOnce();
  }
  expect(retried).toEqual(["parked", "parked", "dead"]);
  expect(await parked()).toEqual([]);
  expect(await letters()).toEqual([{ attempts: 4, settled: true, withdrawn_version: expect.any(Number) }]);
  expect(await outcomes()).toEqual([
    {
      userId: "eve",
      event: "vote:failed",
      body: { request_id: `${shard}.doomed`, id: PROJECT, error: expect.not.stringContaining("constraint") },
    },
  ]);
  await apply();
  await expectSameCounters({ upvotes: 1, downvotes: 0 });
  const last = await redis.client.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
  expect(parseEvent(last[0]?.[1][1])).toMatchObject({ kind: "counts", reason: "vote-failed", upvotes: 1 });
});

test("a poisoned event holds up nobody, and the counters it leaves apart are not called drift", async () => {
  await rows(POISON);
  await vote("eve", "up");
  await apply();
  for (const user of ["ann", "bob"]) await vote(user, "down");
  await apply();
  expect(await votes()).toEqual([
    { user_id: "ann", vote_type: "down" },
    { user_id: "bob", vote_type: "down" },
  ]);
  expect(drifted).toEqual([]);
});

test("a retry after the fix applies the event, and nothing is left of the failure", async () => {
  await rows(POISON);
  await vote("eve", "down");
  await apply();
  await rows(CURE);
  await retryToTheEnd();
  expect(retried).toEqual(["applied"]);
  expect(await parked()).toEqual([]);
  expect(await letters()).toEqual([]);
  await expectSameCounters({ upvotes: 0, downvotes: 1 });
  expect(await redis.client.smembers(names.drifted(shard))).toEqual([PROJECT]);
});

test("a retry does not undo the vote its user cast meanwhile, but stands in the audit log", async () => {
  await rows("ALTER TABLE votes ADD CONSTRAINT poison CHECK (vote_type <> 'up')");
  await vote("eve", "up");
  await apply();
  await vote("eve", "down");
  await apply();
  await rows(CURE);
  await retryToTheEnd();
  expect(retried).toEqual(["applied"]);
  expect(await votes()).toEqual([{ user_id: "eve", vote_type: "down" }]);
  expect(await rows("SELECT vote_type FROM vote_events ORDER BY version")).toEqual([
    { vote_type: "up" },
    { vote_type: "down" },
  ]);
  await expectSameCounters({ upvotes: 0, downvotes: 1 });
});

test("a vote that was voted over is not taken out of Redis when it is given up", async () => {
  await rows("ALTER TABLE votes ADD CONSTRAINT poison CHECK (vote_type <> 'up')");
  await vote("eve", "up");
  await apply();
  await vote("eve", "down");
  await apply();
  await retryToTheEnd();
  expect(await letters()).toEqual([{ attempts: 4, settled: true, withdrawn_version: null }]);
  await expectSameCounters({ upvotes: 0, downvotes: 1 });
});

test("when a user's votes all fail, Redis ends with what the rows had before them", async () => {
  await vote("eve", "down");
  await apply();
  await rows(`${POISON} NOT VALID`);
  await vote("eve", "up");
  await vote("eve", "none");
  await vote("eve", "up");
  await apply();
  await retryToTheEnd();
  expect(await letters()).toHaveLength(3);
  await apply();
  await expectSameCounters({ upvotes: 0, downvotes: 1 });
});

test("an event of a project that is made in time is applied by the next retry", async () => {
  const event: VoteEvent = {
    kind: "vote",
    requestId: `${shard}.by-hand`,
    projectId: "late",
    period: 0,
    userId: "ann",
    action: "created",
    voteType: "up",
    previousVoteType: "none",
    previousAtUs: 0,
    version: 10,
    stamp: 10,
    upvotes: 1,
    downvotes: 0,
    acceptedAtUs: nowMs * 1_000,
    idempotency: null,
  };
  await redis.client.xadd(names.events(shard), "*", "e", voteWire(event));
  await apply();
  nowMs += 5_000;
  await newRetries().runOnce();
  await newProject("late");
  nowMs += 10_000;
  await newRetries().runOnce();
  expect(retried).toEqual(["parked", "applied"]);
  expect(await rows("SELECT upvotes FROM projects WHERE id = 'late'")).toEqual([{ upvotes: 1 }]);
});

test("PostgreSQL being away counts as no attempt", async () => {
  await rows(POISON);
  await vote("eve", "up");
  await apply();
  nowMs += 60_000;
  const away = connectPostgres({ url: "postgres://127.0.0.1:1/none", name: "away", log: SILENT });
  await expect(newRetries(away.pool).runOnce()).rejects.toThrow();
  await away.close();
  // Nor does a server that answers and cannot write, as one that runs out of disk or is being stopped.
  await rows("ALTER TABLE votes RENAME TO votes_away");
  await expect(newRetries().runOnce()).rejects.toThrow("votes");
  await rows("ALTER TABLE votes_away RENAME TO votes");
  expect(await parked()).toEqual([{ attempts: 1 }]);
  expect(retried).toEqual([]);
});

test("a worker killed after the vote was taken out and before that was written down changes nothing twice", async () => {
  await rows(POISON);
  await vote("ann", "up");
  await vote("eve", "up");
  await apply();
  await retryToTheEnd();
  const [settled] = await letters();
  await rows("UPDATE dead_letters SET withdrawn_at = NULL, withdrawn_version = NULL");
  await newRetries().runOnce();
  expect(await letters()).toEqual([settled]);
  await apply();
  await expectSameCounters({ upvotes: 1, downvotes: 0 });
});

test("while Redis is away a dead letter waits to be settled", async () => {
  await rows(POISON);
  await vote("eve", "up");
  await apply();
  const away = connectRedis({ url: "redis://127.0.0.1:1", name: "away", log: SILENT });
  const [delaysMs, shards] = [[5_000], () => [shard]];
  const options = { delaysMs, shards, now, onRetried: () => undefined };
  nowMs += 5_000;
  const withoutRedis = new Retries({ ...stores(), redis: away.client, ...options });
  await expect(withoutRedis.runOnce()).rejects.toThrow();
  await away.close();
  expect(await letters()).toEqual([{ attempts: 2, settled: false, withdrawn_version: null }]);
  await newRetries().runOnce();
  expect(await letters()).toEqual([{ attempts: 2, settled: true, withdrawn_version: expect.any(Number) }]);
});

test("two workers that both believe they hold the shard try each event once", async () => {
  await rows(POISON);
  for (const user of ["eve", "ann"]) await vote(user, "up");
  await apply();
  for (const delayMs of DELAYS_MS) {
    nowMs += delayMs;
    await Promise.all([newRetries().runOnce(), newRetries().runOnce()]);
  }
  expect(retried).toEqual(["parked", "parked", "dead"]);
  expect(await letters()).toMatchObject([{ attempts: 4 }]);
});

test("an entry that no release can read ends as a dead letter, and nobody is told", async () => {
  await redis.client.xadd(names.events(shard), "*", "e", "wor\0ld");
  await apply();
  await retryToTheEnd();
  expect(await letters()).toEqual([{ attempts: 4, settled: true, withdrawn_version: null }]);
  expect(await outcomes()).toEqual([]);
});

test("an entry in a lock's way does not keep the others from their turn", async () => {
  await rows(POISON);
  for (const user of ["eve", "ann"]) await vote(user, "up");
  await rows("ALTER TABLE votes ADD CONSTRAINT poison2 CHECK (user_id <> 'ann')");
  await apply();
  await rows(`${CURE}; ALTER TABLE votes DROP CONSTRAINT poison2;
    CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = 'stuck'; END $$;
    CREATE TRIGGER stuck BEFORE INSERT ON votes FOR EACH ROW WHEN (NEW.user_id = 'eve') EXECUTE FUNCTION stuck()`);
  nowMs += 5_000;
  await expect(newRetries().runOnce()).rejects.toThrow("stuck");
  expect(retried).toEqual(["applied"]);
  expect(await votes()).toEqual([{ user_id: "ann", vote_type: "up" }]);
  expect(await parked()).toEqual([{ attempts: 1 }]);
});
