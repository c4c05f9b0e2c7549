import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames, wilsonLowerBound } from "@votesync/core";
import { connectPostgres, createProject, type PostgresConnection } from "@votesync/postgres-store";
import { connectRedis, parseOutcome, type RedisConnection, readStream } from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { SideEffects } from "./side-effects.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const STAY = new AbortController().signal;

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "side-effects-test", log: SILENT });
  redis = connectRedis({ url: testRedisUrl(), name: "side-effects-test", log: SILENT });
  names = new RedisNames(8, uniqueName("effects"));
  await waitFor("redis", () => redis.client.status === "ready");
});
afterEach(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

const sideEffects = (sweep: { sweepSlice?: number; sweepSlices?: number } = {}) =>
  new SideEffects({ pool: postgres.pool, redis: redis.client, names, ...sweep });

async function project(id: string, ownerId: string, upvotes = 0, downvotes = 0): Promise<void> {
  await createProject(postgres.prisma, { id, title: id.toUpperCase(), url: null, boardId: null, ownerId }, new Date());
  await setVotes(id, upvotes, downvotes);
}

const setVotes = (id: string, upvotes: number, downvotes: number) =>
  postgres.pool.query("UPDATE projects SET upvotes = $2, downvotes = $3, version = version + 1 WHERE id = $1", [
    id,
    upvotes,
    downvotes,
  ]);

async function rows(sql: string): Promise<object[]> {
  return (await postgres.pool.query(sql)).rows;
}

const notifications = () =>
  rows("SELECT user_id, kind, project_id, milestone FROM notifications ORDER BY project_id, kind, milestone");

async function pushed() {
  const entries = await readStream(redis.client, names.outcomes(), { afterId: "0-0", count: 1_000 });
  return entries.map((entry) => parseOutcome(entry));
}

test("owners are told of the first vote and of the highest milestone reached, with the words of the contract", async () => {
  await project("a", "ann", 1);
  await project("b", "ben", 120, 3);
  await project("c", "cem");
  await sideEffects().votesApplied(["a", "b", "c", "no-such-project"]);
  expect(await notifications()).toEqual([
    { user_id: "ann", kind: "first_vote", project_id: "a", milestone: 1 },
    { user_id: "ben", kind: "first_vote", project_id: "b", milestone: 1 },
    { user_id: "ben", kind: "milestone", project_id: "b", milestone: 100 },
  ]);
  const [ann] = (await pushed()).filter((outcome) => outcome?.userId === "ann");
  expect(ann).toEqual({
    userId: "ann",
    event: "notification",
    body: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: "first_vote",
      project_id: "a",
      text: "“A” got its first vote.",
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  });
});

test("twenty runs, five at a time and with votes coming meanwhile, tell each thing exactly once", async () => {
  await project("a", "ann", 1);
  const effects = Array.from({ length: 5 }, () => sideEffects());
  for (const upvotes of [1, 10, 26, 99]) {
    await setVotes("a", upvotes, 0);
    await Promise.all(effects.map((one) => one.votesApplied(["a"])));
  }
  expect(await notifications()).toEqual([
    { user_id: "ann", kind: "first_vote", project_id: "a", milestone: 1 },
    { user_id: "ann", kind: "milestone", project_id: "a", milestone: 10 },
    { user_id: "ann", kind: "milestone", project_id: "a", milestone: 25 },
    { user_id: "ann", kind: "milestone", project_id: "a", milestone: 50 },
  ]);
  expect(await pushed()).toHaveLength(4);
  expect(await rows("SELECT 1 FROM notifications WHERE pushed_at IS NULL")).toEqual([]);
});

test("an owner's score is the Wilson bound over all of the projects, right under concurrent jobs too", async () => {
  for (let i = 0; i < 20; i++) await project(`p${i}`, i % 2 === 0 ? "ann" : "ben", i, 1);
  const effects = Array.from({ length: 5 }, () => sideEffects());
  await Promise.all(
    effects.map(async (one, at) => {
      for (let i = at; i < 20; i += 5) {
        await setVotes(`p${i}`, 2 * i, 2);
        await one.votesApplied([`p${i}`]);
      }
    }),
  );
  const found = await rows("SELECT owner_id, projects, upvotes, downvotes, score FROM owner_scores ORDER BY 1");
  const scored = (owner_id: string, upvotes: number) => {
    const score = expect.closeTo(wilsonLowerBound({ upvotes, downvotes: 20 }), 9);
    return { owner_id, projects: 10, upvotes, downvotes: 20, score };
  };
  expect(found).toEqual([scored("ann", 180), scored("ben", 200)]);
});

test("what no job did the sweep does, slice after slice, and begins again after the last project", async () => {
  for (let i = 0; i < 7; i++) await project(`p${i}`, `owner${i}`, 1);
  const effects = sideEffects({ sweepSlice: 2, sweepSlices: 2 });
  expect(await effects.sweep(STAY)).toEqual({ projects: 4, notified: 4, scores: 4, pushed: 4 });
  expect(await effects.sweep(STAY)).toEqual({ projects: 3, notified: 3, scores: 3, pushed: 3 });
  expect(await effects.sweep(STAY)).toEqual({ projects: 4, notified: 0, scores: 0, pushed: 0 });
  expect(await notifications()).toHaveLength(7);
});

test("a score that somebody changed by hand is mended by the sweep", async () => {
  await project("a", "ann", 9, 1);
  await sideEffects().votesApplied(["a"]);
  await postgres.pool.query("UPDATE owner_scores SET upvotes = 1000, score = 1");
  await sideEffects().sweep(STAY);
  expect(await rows("SELECT upvotes, score FROM owner_scores")).toEqual([
    { upvotes: 9, score: expect.closeTo(wilsonLowerBound({ upvotes: 9, downvotes: 1 }), 9) },
  ]);
});

test("a notification that could not be pushed is pushed by the next run", async () => {
  await project("a", "ann", 1);
  await redis.close();
  await expect(sideEffects().votesApplied(["a"])).rejects.toThrow();
  expect(await rows("SELECT pushed_at FROM notifications")).toEqual([{ pushed_at: null }]);
  redis = connectRedis({ url: testRedisUrl(), name: "side-effects-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
  expect(await sideEffects().sweep(STAY)).toMatchObject({ notified: 0, pushed: 1 });
  expect(await pushed()).toHaveLength(1);
});

test("a job makes what is cached of lists out of date", async () => {
  await project("a", "ann", 1);
  await sideEffects().votesApplied(["a"]);
  await sideEffects().votesApplied(["a"]);
  expect(await redis.client.get(names.listsGeneration())).toBe("2");
});
