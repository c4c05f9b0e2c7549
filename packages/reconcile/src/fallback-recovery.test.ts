import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { holdProject, type ProjectHold, readCounts } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { FallbackRecovery } from "./fallback-recovery.js";
import { ProjectLoader } from "./project-loader.js";
import { TestStores } from "./stores.testing.js";

const ID = "p";

let stores: TestStores;
let recovery: FallbackRecovery;

beforeEach(async () => {
  stores = await TestStores.create();
  recovery = new FallbackRecovery(stores, stores.loader);
  await stores.createProject(ID);
});
afterEach(() => stores.remove());

const counters = () => stores.rows("SELECT upvotes, downvotes FROM projects");
const events = () => stores.rows<{ request_id: string }>("SELECT request_id, action FROM vote_events ORDER BY version");
const inRedis = async () => (await readCounts(stores.redis, stores.names, [ID])).get(ID);

test("Redis learns the votes that went past it: counters, who voted what, answers to keys", async () => {
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
  const idempotency = { key: "k", fingerprint: "up accepted" };
  await stores.castPastRedis(ID, "bob", "up", { idempotency });
  await stores.castPastRedis(ID, "ann", "none");
  expect(await recovery.runOnce()).toEqual({ recovered: 1, waiting: 0, more: false });
  expect(await inRedis()).toMatchObject({ upvotes: 1, downvotes: 0 });
  expect(await stores.cast(ID, "bob", "up")).toMatchObject({ answer: { action: "unchanged" } });
  expect(await stores.cast(ID, "ann", "up")).toMatchObject({ answer: { action: "created", upvotes: 2 } });
  expect(await stores.redis.exists(stores.names.idempotency(ID, "bob", "k"))).toBe(1);
  expect(await recovery.runOnce()).toEqual({ recovered: 0, waiting: 0, more: false });
  await stores.apply(ID);
  expect(await counters()).toEqual([{ upvotes: 2, downvotes: 0 }]);
});

test("killed before the mark was taken away: all is done again, and each vote counts once", async () => {
  await stores.castPastRedis(ID, "bob", "up");
  await recovery.runOnce();
  await stores.pool.query("UPDATE outbox SET recovered_at = NULL");
  await stores.apply(ID);
  await recovery.runOnce();
  expect(await inRedis()).toMatchObject({ upvotes: 1 });
});

test("two replicas recover at once: the outcome is that of one", async () => {
  for (const user of ["ann", "bob", "cem"]) await stores.castPastRedis(ID, user, "up");
  const other = new FallbackRecovery(stores, stores.loader);
  await Promise.all([recovery.runOnce(), other.runOnce(), stores.cast(ID, "dan", "down").catch(() => null)]);
  await waitFor("no vote to be held back", async () => {
    await stores.apply(ID);
    return (await stores.cast(ID, "dan", "down")).kind === "answer";
  });
  expect(await inRedis()).toMatchObject({ upvotes: 3, downvotes: 1 });
  await stores.apply(ID);
  expect(await counters()).toEqual([{ upvotes: 3, downvotes: 1 }]);
});

/** Another recovery holds the project after this one did: what this one read is not loaded. */
class OvertakenLoader extends ProjectLoader {
  override async load(projectId: string, hold: ProjectHold): Promise<boolean> {
    await holdProject(stores.redis, stores.names, { projectId, reason: "recovered" });
    return super.load(projectId, hold);
  }
}

test("a recovery that another one has overtaken tells the board what it read, and leaves the mark to the other one", async () => {
  await stores.pool.query("UPDATE projects SET board_id = 'jam'");
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
  await stores.castPastRedis(ID, "bob", "up");
  const overtaken = new FallbackRecovery(stores, new OvertakenLoader(stores));
  const waiting = () => stores.rows("SELECT FROM outbox WHERE recovered_at IS NULL");
  expect(await overtaken.runOnce()).toEqual({ recovered: 0, waiting: 1, more: false });
  expect(await waiting()).toHaveLength(1);
  expect(await stores.redis.hget(stores.names.jamQueue("jam"), `c:${ID}`)).toMatch(/^2:0:/);
  expect(await recovery.runOnce()).toMatchObject({ recovered: 1 });
  expect(await waiting()).toEqual([]);
  expect(await inRedis()).toMatchObject({ upvotes: 2 });
});

test("a request that Redis took although its answer was lost, and the fallback took again, counts once", async () => {
  const requestId = stores.newRequestId(ID);
  await stores.cast(ID, "ann", "up", requestId);
  await stores.castPastRedis(ID, "ann", "up", { requestId });
  await stores.castPastRedis(ID, "ann", "down");
  await stores.apply(ID);
  expect(await counters()).toEqual([{ upvotes: 0, downvotes: 1 }]);
  expect(await events()).toEqual([
    { request_id: requestId, action: "created" },
    { request_id: expect.any(String), action: "changed" },
  ]);
  await recovery.runOnce();
  expect(await inRedis()).toMatchObject({ upvotes: 0, downvotes: 1 });
});

test("a request that a worker has already applied is answered by the fallback as it was", async () => {
  const requestId = stores.newRequestId(ID);
  const taken = await stores.cast(ID, "ann", "up", requestId);
  await stores.apply(ID);
  const { eventId: _, ...answer } = (taken as Extract<typeof taken, { kind: "answer" }>).answer;
  expect(await stores.castPastRedis(ID, "ann", "up", { requestId })).toMatchObject({ kind: "answer", answer });
  expect(await events()).toHaveLength(1);
  expect(await stores.rows("SELECT FROM outbox")).toHaveLength(0);
});

test("a vote taken back past Redis stays taken back, though PostgreSQL did not know of it", async () => {
  await stores.cast(ID, "ann", "up");
  // Not applied yet: to PostgreSQL there is nothing to take back.
  expect(await stores.castPastRedis(ID, "ann", "none")).toMatchObject({ answer: { action: "unchanged" } });
  await stores.apply(ID);
  expect(await counters()).toEqual([{ upvotes: 0, downvotes: 0 }]);
  await recovery.runOnce();
  expect(await inRedis()).toMatchObject({ upvotes: 0, downvotes: 0 });
  expect(await stores.cast(ID, "ann", "up")).toMatchObject({ answer: { action: "created", upvotes: 1 } });
});

test("while the shard is behind, a degraded project waits, held", async () => {
  await stores.cast(ID, "ann", "up");
  await stores.castPastRedis(ID, "bob", "up");
  const impatient = new FallbackRecovery(stores, {
    load: (id: string, hold: Parameters<typeof stores.loader.load>[1]) => stores.loader.load(id, hold, 0),
  } as typeof stores.loader);
  expect(await impatient.runOnce()).toEqual({ recovered: 0, waiting: 1, more: false });
  await stores.apply(ID);
  expect(await impatient.runOnce()).toEqual({ recovered: 1, waiting: 0, more: false });
  expect(await inRedis()).toMatchObject({ upvotes: 2 });
});
