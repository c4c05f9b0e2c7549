/** Projects that are held, and whose holder does nothing about it any more. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { parseEvent } from "@votesync/core";
import { holdProject, readCounts, readEvents, STREAM_START } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { HeldProjects } from "./held-projects.js";
import { adoptShard, rebuildShard } from "./shard-trust.js";
import { TestStores } from "./stores.testing.js";

const ID = "p";

let stores: TestStores;
let shard: number;

beforeEach(async () => {
  stores = await TestStores.create();
  shard = stores.names.shardOf(ID);
  await stores.createProject(ID);
});
afterEach(() => stores.remove());

const newReplica = () => new HeldProjects(stores, stores.loader);
const isHeld = async (id: string) => (await stores.redis.hexists(stores.names.project(id), "held")) === 1;
const listed = () => stores.redis.zrange(stores.names.reload(shard), "0", "-1");

async function lastEvent() {
  const entries = await readEvents(stores.redis, stores.names, { shard, afterId: STREAM_START, count: 100 });
  return parseEvent(entries.at(-1)?.wire);
}

test("a rebuilt project whose shard is behind is loaded later by another replica, and its watchers hear of it", async () => {
  await adoptShard(stores, shard);
  await stores.cast(ID, "ann", "up");
  expect(await rebuildShard(stores, shard)).toBe(1);
  const first = newReplica();
  await waitFor("the first replica to try", async () => (await first.runOnce()).waiting === 1);
  expect(await isHeld(ID)).toBe(true);
  expect(await listed()).toEqual([ID]);

  await stores.apply(ID);
  // The first one is gone.
  const second = newReplica();
  await waitFor("the second replica to load it", async () => (await second.runOnce()).done === 1);
  expect(await isHeld(ID)).toBe(false);
  expect(await listed()).toEqual([]);
  expect(await lastEvent()).toMatchObject({ kind: "counts", projectId: ID, upvotes: 1, reason: "rebuilt" });
  expect((await readCounts(stores.redis, stores.names, [ID])).get(ID)).toMatchObject({ upvotes: 1 });
});

test("a project that a vote has loaded is off the list", async () => {
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
  await holdProject(stores.redis, stores.names, { projectId: ID, reason: "recovered" });
  expect(await listed()).toEqual([ID]);
  expect(await stores.cast(ID, "bob", "up")).toMatchObject({ kind: "answer", answer: { upvotes: 2 } });
  expect(await listed()).toEqual([]);
});

test("a held project that PostgreSQL does not know any more leaves Redis", async () => {
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
  await holdProject(stores.redis, stores.names, { projectId: ID, reason: "recovered" });
  await stores.pool.query("DELETE FROM projects");
  await waitFor("a replica to look at it", async () => (await newReplica().runOnce()).done === 1);
  const keys = await stores.redis.keys(`${stores.names.prefix}:{s${shard}}:*`);
  expect(keys.filter((key) => /:(project|votes|loaded|reload)/.test(key))).toEqual([]);
});

test("a damaged project does not keep the others from being loaded", async () => {
  await stores.createProject("q");
  for (const projectId of [ID, "q"]) await holdProject(stores.redis, stores.names, { projectId, reason: "rebuilt" });
  await stores.redis.del(stores.names.votes(ID, 0));
  await stores.redis.set(stores.names.project(ID), "damaged");
  const replica = newReplica();
  await waitFor("the damaged one to fail", async () => (await replica.runOnce().catch(() => "failed")) === "failed");
  await waitFor("the other one to be loaded", async () => {
    await replica.runOnce().catch(() => undefined);
    return !(await isHeld("q"));
  });
});
