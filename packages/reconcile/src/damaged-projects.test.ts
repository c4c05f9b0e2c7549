/** Somebody wrote something else under the keys of a project. It is that project's trouble alone, and does not last. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readCounts, readLaunchStates, readOwnVotes, readProjectStates, readVoters } from "@votesync/redis-store";
import { compareProjects } from "./compare-projects.js";
import { FallbackRecovery } from "./fallback-recovery.js";
import { Reconciler } from "./reconcile.js";
import { TestStores } from "./stores.testing.js";
import { findWrongVoters, type WrongVoter } from "./voters.js";

const ID = "p";
const USERS = ["ann", "bob", "cem"];

let stores: TestStores;
let reconciler: Reconciler;
let shard: number;
/** Another project of the same shard. */
let other: string;

beforeEach(async () => {
  stores = await TestStores.create();
  reconciler = new Reconciler(stores, stores.loader);
  shard = stores.names.shardOf(ID);
  other = Array.from({ length: 100 }, (_, i) => `other-${i}`).find((id) => stores.names.shardOf(id) === shard) ?? "";
  for (const id of [ID, other]) {
    await stores.createProject(id);
    for (const user of USERS) await stores.cast(id, user, "up");
  }
  await stores.apply(ID);
});
afterEach(() => stores.remove());

const KEYS = {
  "its hash": () => stores.names.project(ID),
  "its hash of votes": () => stores.names.votes(ID, 0),
};
type Damage = keyof typeof KEYS;
const DAMAGES = Object.keys(KEYS) as Damage[];

const damage = (which: Damage) => stores.redis.set(KEYS[which](), "nonsense");
const counts = async () => Object.fromEntries(await readCounts(stores.redis, stores.names, [ID, other]));
const changed = () => stores.redis.zrange(stores.names.changed(shard), "0", "-1");

/** Does this while a worker applies the shard: what is read anew waits for all events that the shard had. */
async function beside<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) await stores.apply(ID);
  return done;
}

async function expectVotesToGoOn(): Promise<void> {
  expect(await stores.cast(ID, "ann", "up")).toMatchObject({ answer: { action: "unchanged", upvotes: 3 } });
  expect(await stores.cast(ID, "ann", "down")).toMatchObject({
    answer: { action: "changed", upvotes: 2, downvotes: 1 },
  });
  expect(await stores.cast(ID, "dan", "up")).toMatchObject({ answer: { action: "created", upvotes: 3, downvotes: 1 } });
  await stores.apply(ID);
  expect(await compareProjects(stores, { shard, projectIds: [ID, other], countRows: true })).toMatchObject([
    { verdict: "same" },
    { verdict: "same" },
  ]);
  expect(await wrongVoters([ID, other])).toEqual([]);
}

async function wrongVoters(projectIds: string[]): Promise<WrongVoter[]> {
  const found: WrongVoter[] = [];
  await findWrongVoters(stores, projectIds, (wrong) => void found.push(...wrong));
  return found;
}

test.each(DAMAGES)("damage to %s is mended by the next pass, and its neighbour's drift with it", async (which) => {
  await damage(which);
  await stores.redis.hset(stores.names.project(other), { upvotes: "41" });
  const { repaired } = await beside(reconciler.passShard(shard));
  expect(repaired).toHaveLength(2);
  expect(repaired).toEqual(expect.arrayContaining([{ project_id: ID, drift: ["redis"] }]));
  expect(await counts()).toMatchObject({ [ID]: { upvotes: 3 }, [other]: { upvotes: 3 } });
  await expectVotesToGoOn();
});

test.each(DAMAGES)("damage to %s of a quiet project is found by the rolling slice", async (which) => {
  await reconciler.passShard(shard);
  expect(await changed()).toEqual([]);
  await damage(which);
  expect((await reconciler.passSlice("", 10)).report.repaired).toEqual([{ project_id: ID, drift: ["redis"] }]);
  await expectVotesToGoOn();
});

test("with votes that are no rows yet, a project waits until they are, and none of them is lost", async () => {
  await stores.cast(ID, "dan", "up");
  await damage("its hash");
  expect(await reconciler.passShard(shard)).toMatchObject({ repaired: [], waiting: 1 });
  expect(await changed()).toContain(ID);
  await stores.apply(ID);
  // Held by the pass before: whoever votes next loads it.
  expect(await stores.cast(ID, "dan", "up")).toMatchObject({ answer: { action: "unchanged", upvotes: 4 } });
});

test.each(DAMAGES)(
  "damage to %s: votes go past Redis, and are recovered with those on other projects",
  async (which) => {
    await damage(which);
    await expect(stores.cast(ID, "dan", "up")).rejects.toThrow("WRONGTYPE");
    await stores.castPastRedis(ID, "dan", "up");
    await stores.castPastRedis(other, "dan", "up");
    const recovery = new FallbackRecovery(stores, stores.loader);
    expect(await beside(recovery.runOnce())).toMatchObject({ recovered: 2, waiting: 0 });
    expect(await counts()).toMatchObject({ [ID]: { upvotes: 4 }, [other]: { upvotes: 4 } });
  },
);

test.each(DAMAGES)("damage to %s: whoever reads several projects is told all others", async (which) => {
  await damage(which);
  const { redis, names } = stores;
  const both = [ID, other];
  expect((await readCounts(redis, names, both)).get(other)).toMatchObject({ upvotes: 3 });
  expect((await readProjectStates(redis, names, both)).get(other)).toMatchObject({ upvotes: 3 });
  expect((await readLaunchStates(redis, names, both)).get(other)).toMatchObject({ upvotes: 3 });
  const own = await readOwnVotes(redis, names, { userId: "ann", projectIds: both });
  expect([...own.keys()]).toEqual([other]);
  expect(await readVoters(redis, names, { projectId: ID, period: 0, max: 10 })).toMatchObject({
    votes: which === "its hash" ? expect.objectContaining({ size: 3 }) : new Map(),
  });
});

test("a vote that is no vote is unknown to Redis, and the user's others are told", async () => {
  await stores.redis.hset(stores.names.votes(ID, 0), { ann: "nonsense" });
  const own = await readOwnVotes(stores.redis, stores.names, { userId: "ann", projectIds: [ID, other] });
  expect([...own.keys()]).toEqual([other]);
  expect(await wrongVoters([ID])).toEqual([{ projectId: ID, userId: "ann", redis: "none", row: "up" }]);
});
