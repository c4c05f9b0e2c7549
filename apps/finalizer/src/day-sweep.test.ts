/** Which days are taken up, and when, by a clock of the test's own. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { launchDay, QUEUES, RedisNames } from "@votesync/core";
import { connectJobs, finalizeJob, flushJob, handles, type Jobs } from "@votesync/jobs";
import { finalizeDay } from "@votesync/launch";
import { connectMongo, LaunchArchive, type MongoConnection } from "@votesync/mongo-store";
import { connectPostgres, ensureShards, type PostgresConnection, registerLaunch } from "@votesync/postgres-store";
import { connectRedis, type RedisConnection } from "@votesync/redis-store";
import { createLogger, type Service } from "@votesync/service-kit";
import {
  createTestDatabase,
  type TestDatabase,
  testMongoUrl,
  testRedisUrl,
  uniqueName,
  waitFor,
} from "@votesync/testkit";
import { sweepDays } from "./day-sweep.js";

const log = createLogger({ service: "day-sweep-test", level: "silent" });
const ZONE = "Europe/Berlin";
const DELAY_MS = 300_000;
const DAY_MS = 86_400_000;

let database: TestDatabase;
let postgres: PostgresConnection;
let mongo: MongoConnection;
let redis: RedisConnection;
let jobs: Jobs;
let worker: Service | null;
let names: RedisNames;
let archive: LaunchArchive;
let asked: string[];
let flushed: string[];
let waitingSince: (number | null)[];

beforeAll(() => {
  const address = new URL(testMongoUrl());
  address.pathname = `/${uniqueName("day-sweep")}`;
  mongo = connectMongo({ url: address.href, log });
  redis = connectRedis({ url: testRedisUrl(), name: "day-sweep-test", log });
  archive = new LaunchArchive(mongo.connection);
});
beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "day-sweep-test", log });
  names = new RedisNames(8, uniqueName("day-sweep"));
  jobs = connectJobs({ url: testRedisUrl(), name: "day-sweep-test", log, prefix: `{${uniqueName("day-sweep")}}` });
  [worker, asked, flushed, waitingSince] = [null, [], [], []];
  await ensureShards(postgres.pool, names.shards);
  await waitFor("the stores", async () => (await mongo.ping()) && (await redis.ping()) && (await queue().counts()));
});
afterEach(async () => {
  await worker?.stop();
  await jobs.close();
  await mongo.connection.dropDatabase();
  await postgres.close();
  await database.drop();
});
afterAll(async () => {
  await mongo.close();
  await redis.close();
});

const queue = () => jobs.queue(QUEUES.launches);

async function sweepAt(now: Date | number): Promise<void> {
  const clock = () => new Date(now);
  const metrics = { waitingSince: (dueAtMs: number | null) => void waitingSince.push(dueAtMs) };
  const stores = { pool: postgres.pool, archive, queue: queue() };
  await sweepDays({ ...stores, zone: ZONE, delayMs: DELAY_MS, now: clock, metrics, log });
}

/** From here on whatever was asked for is done, which here means written down. */
async function startWorker(): Promise<void> {
  const finalize = handles(finalizeJob, async ({ date }) => void asked.push(date));
  const flush = handles(flushJob, async ({ date }) => void flushed.push(date));
  worker = jobs.worker(QUEUES.launches, [finalize, flush]);
  await worker.start();
}

const instantsOf = (date: string) => {
  const { opensAtUs, closesAtUs } = launchDay(date, ZONE) as { opensAtUs: number; closesAtUs: number };
  return { opensAt: new Date(opensAtUs / 1_000), closesAt: new Date(closesAtUs / 1_000) };
};

async function launch(projectId: string, date: string) {
  const app = { name: projectId, ownerId: "owner", anyOwner: true };
  const shard = names.shardOf(projectId);
  return registerLaunch(postgres.pool, { date, shard, projectId, ...app, ...instantsOf(date) });
}

const datesFrom = (first: string, count: number) =>
  Array.from({ length: count }, (_, i) => new Date(Date.parse(first) + i * DAY_MS).toISOString().slice(0, 10));

test("a day is taken up its delay after its end in the zone, not a millisecond earlier", async () => {
  await launch("rocket", "2024-07-15");
  // Summer time: the day ends at 22:00 UTC.
  const dueAt = Date.parse("2024-07-15T22:05:00Z");
  await sweepAt(dueAt - 1);
  expect(await queue().counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  await sweepAt(dueAt);
  await sweepAt(dueAt + 60_000);
  await startWorker();
  await waitFor("the day to be taken up", () => asked.length > 0);
  expect(asked).toEqual(["2024-07-15"]);
  expect(waitingSince).toEqual([null, dueAt, dueAt]);
});

test("after an outage every day that was missed is taken up, however many, and days without apps are in nobody's way", async () => {
  await launch("busy", "2090-01-01");
  for (const date of datesFrom("2023-01-01", 110)) expect((await launch("busy", date)).kind).toBe("pending");
  const missed = datesFrom("2024-01-01", 110);
  for (const [i, date] of missed.entries()) await launch(`app-${i}`, date);
  await sweepAt(Date.parse("2024-12-01T00:00:00Z"));
  await startWorker();
  await waitFor("all of them to be taken up", () => asked.length >= missed.length);
  expect(asked.sort()).toEqual(missed);
});

test("every day that was not flushed is asked for again, however many cannot be", async () => {
  const dates = datesFrom("2024-01-01", 110);
  for (const date of dates) {
    await archive.takeUp(date, new Date());
    const flush = { state: "failed" as const, attempts: 8, lastError: "no", requestedAt: new Date(), doneAt: null };
    await archive.advance(date, { from: "find", to: "final" }, { flush });
  }
  await sweepAt(Date.now());
  await startWorker();
  await waitFor("all of them to be asked for", () => flushed.length >= dates.length);
  expect(flushed.sort()).toEqual(dates);
});

test("backups go 30 days after their day became final; its result and its seal stay", async () => {
  const date = "2024-01-15";
  await launch("rocket", date);
  const finalizedAt = instantsOf(date).closesAt.getTime() + DELAY_MS;
  const counted = { countedAt: new Date(finalizedAt), votes: new Map([["rocket", 42]]) };
  const source = { name: "external" as const, count: async () => counted, flush: async () => ["rocket"] };
  const stores = { redis: redis.client, names, pool: postgres.pool, archive };
  await finalizeDay({ stores, source, requestFlush: async () => null, now: () => new Date(finalizedAt) }, date);
  const { seal } = (await archive.findDay(date)) ?? {};

  await sweepAt(finalizedAt + 30 * DAY_MS);
  expect((await archive.findBackups(date, ["rocket"])).get("rocket")?.votes).toBe(42);
  const removedAt = finalizedAt + 30 * DAY_MS + 1;
  await sweepAt(removedAt);
  expect((await archive.findBackups(date, ["rocket"])).size).toBe(0);
  expect((await archive.findApps(date, ["rocket"])).get("rocket")?.likes).toBe(42);
  expect(await archive.findDay(date)).toMatchObject({ seal, backupsRemovedAt: new Date(removedAt) });
});
