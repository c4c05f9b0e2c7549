import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readCounts } from "@votesync/redis-store";
import { adoptShard, checkShards, rebuildShard } from "./shard-trust.js";
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

const verdict = async () => (await checkShards(stores)).get(shard);
const keys = () => stores.redis.keys(`${stores.names.prefix}:{s${shard}}:*`);

async function adoptAndVote(): Promise<void> {
  await adoptShard(stores, shard);
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
}

test("a new installation is new, then the same, also after votes and after a trim", async () => {
  expect(await verdict()).toBe("new");
  await adoptShard(stores, shard);
  expect(await verdict()).toBe("same");
  await stores.cast(ID, "ann", "up");
  expect(await verdict()).toBe("same");
  await stores.apply(ID);
  expect(await verdict()).toBe("same");
});

test("a wiped Redis is found out, rebuilt, and goes on with ids after those that were applied", async () => {
  await adoptAndVote();
  await stores.redis.del(await keys());
  expect(await verdict()).toBe("lost");
  expect(await rebuildShard(stores, shard)).toBe(0);
  expect(await verdict()).toBe("same");
  expect(await stores.cast(ID, "ann", "down")).toMatchObject({ answer: { action: "changed", downvotes: 1 } });
  await stores.apply(ID);
  expect(await verdict()).toBe("same");
  expect(await stores.rows("SELECT upvotes, downvotes FROM projects")).toEqual([{ upvotes: 0, downvotes: 1 }]);
});

test("a Redis that went back to an old copy is found out by the entry it lacks, and read anew", async () => {
  await adoptAndVote();
  const copy = await Promise.all((await keys()).map(async (key) => [key, await stores.redis.dumpBuffer(key)] as const));
  await stores.cast(ID, "bob", "up");
  await stores.apply(ID);
  await stores.redis.del(await keys());
  for (const [key, dump] of copy) await stores.redis.restore(key, 0, dump as Buffer);
  expect(await verdict()).toBe("lost");

  expect(await rebuildShard(stores, shard)).toBe(1);
  expect(await verdict()).toBe("same");
  expect((await readCounts(stores.redis, stores.names, [ID])).get(ID)).toBeUndefined();
  expect(await stores.cast(ID, "bob", "up")).toMatchObject({ answer: { action: "unchanged", upvotes: 2 } });
});

test("another installation's Redis is found out by its epoch", async () => {
  await adoptAndVote();
  await stores.redis.set(stores.names.epoch(shard), "8c5f2a3e-0000-4000-8000-000000000000");
  expect(await verdict()).toBe("lost");
});

test("a rebuild that was killed in the middle is done again", async () => {
  await adoptAndVote();
  await stores.redis.del(stores.names.epoch(shard));
  await rebuildShard(stores, shard);
  await stores.redis.del(stores.names.epoch(shard));
  expect(await verdict()).toBe("lost");
  await rebuildShard(stores, shard);
  expect(await verdict()).toBe("same");
  expect(await stores.cast(ID, "ann", "up")).toMatchObject({ answer: { action: "unchanged", upvotes: 1 } });
});
