import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { holdProjects, STREAM_START } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { evictColdProjects, MIN_IDLE_MS } from "./evict-cold-projects.js";
import { HeldProjects } from "./held-projects.js";
import { TestStores } from "./stores.testing.js";

const QUIET = "quiet";

let stores: TestStores;
let shard: number;

beforeEach(async () => {
  stores = await TestStores.create();
  shard = stores.names.shardOf(QUIET);
  await stores.createProject(QUIET);
  const hold = { held: "", lastEventId: STREAM_START, nowUs: Date.now() * 1_000 };
  await stores.loader.load(QUIET, hold);
});
afterEach(() => stores.remove());

const isIn = async () => (await stores.redis.exists(stores.names.project(QUIET))) === 1;
const evict = () => evictColdProjects(stores, { shard, idleMs: MIN_IDLE_MS, limit: 500 });
const loadedAt = (ids: string[], us: number) =>
  stores.redis.zadd(stores.names.loaded(shard), ...ids.flatMap((id) => [us, id]));

const othersOfShard = (count: number) =>
  Array.from({ length: count * 20 }, (_, i) => `p${i}`)
    .filter((id) => stores.names.shardOf(id) === shard)
    .slice(0, count);

test("600 projects that are held do not keep a quiet one from leaving, and leave once they are nobody's", async () => {
  const others = othersOfShard(600);
  for (const page of [others.slice(0, 300), others.slice(300)]) {
    const projects = page.map((projectId) => ({ projectId }));
    await holdProjects(stores.redis, stores.names, { shard, projects, reason: "rebuilt" });
  }
  await loadedAt(others, 1);
  await loadedAt([QUIET], 2);
  expect(await evict()).toEqual({ looked: 500, evicted: 0 });
  expect(await evict()).toEqual({ looked: 101, evicted: 1 });
  expect(await isIn()).toBe(false);
  expect(await evict()).toEqual({ looked: 0, evicted: 0 });

  const held = new HeldProjects(stores, stores.loader);
  await waitFor("projects without a row to leave", async () => {
    await held.runOnce();
    return (await stores.redis.zcard(stores.names.loaded(shard))) === 0;
  });
});

test("a held project that is on no list is put there, and loaded again by any replica", async () => {
  await stores.createProject("p");
  const held = { shard: stores.names.shardOf("p"), projects: [{ projectId: "p" }], reason: "rebuilt" as const };
  await holdProjects(stores.redis, stores.names, held);
  await stores.redis.del(stores.names.reload(held.shard));
  await stores.redis.zadd(stores.names.loaded(held.shard), 1, "p");
  await evictColdProjects(stores, { shard: held.shard, idleMs: MIN_IDLE_MS, limit: 500 });
  expect(await new HeldProjects(stores, stores.loader).runOnce()).toMatchObject({ done: 1 });
  expect(await stores.redis.hexists(stores.names.project("p"), "held")).toBe(0);
});

test("projects whose votes are parked do not keep a quiet one from leaving", async () => {
  const others = othersOfShard(600);
  await stores.pool.query(
    `INSERT INTO parked_events (shard, stream_id, fields, project_id, error, attempts, next_attempt_at)
     SELECT $1, id, '{}', id, 'refused', 1, now() FROM unnest($2::text[]) AS id`,
    [shard, others],
  );
  for (const id of others) await stores.redis.hset(stores.names.project(id), { version: 1, period: 0 });
  await loadedAt(others, 1);
  await loadedAt([QUIET], 2);
  await evict();
  expect(await evict()).toEqual({ looked: 101, evicted: 1 });
  expect(await stores.redis.zcard(stores.names.loaded(shard))).toBe(600);
});
