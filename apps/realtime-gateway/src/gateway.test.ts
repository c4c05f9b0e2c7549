import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { RedisNames, type VoteType } from "@votesync/core";
import {
  createTestDatabase,
  TEST_SECRET,
  type TestDatabase,
  testRedisUrl,
  uniqueName,
  waitFor,
} from "@votesync/testkit";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

let database: TestDatabase;
let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;

beforeAll(async () => {
  database = await createTestDatabase();
  const names = new RedisNames(8, uniqueName("gateway"));
  world = { redisUrl: testRedisUrl(), databaseUrl: database.url, names, secret: TEST_SECRET };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
});
afterEach(Watcher.closeAll);
afterAll(async () => {
  await stopTestGateways();
  await voter.close();
  await database.drop();
});

const watch = (url = gateway.url) => Watcher.connect(url);

/** A project in Redis that nobody has voted on. */
async function loadedProject(): Promise<string> {
  const id = uniqueName("p");
  await voter.load(id);
  return id;
}

/** All shards are followed by nobody: what an idle gateway looks like. */
const idle = async () => (await gateway.metric("shards_followed")) === 0;

test("a subscriber gets the current counts, then every change", async () => {
  const id = await loadedProject();
  const before = await voter.cast(id, "ann", "up");
  const watcher = await watch();
  expect(await watcher.subscribe(id)).toEqual({
    ok: true,
    projects: { [id]: before },
    boards: {},
    launches: {},
    leaderboards: {},
    unknown: [],
  });
  const after = await voter.cast(id, "bob", "down");
  const told = await waitFor("the change", () => watcher.last(id));
  expect(told).toMatchObject({ event: "vote:cast", id, ...after });
  expect(watcher.told).toHaveLength(1);
});

test("a vote taken back is told as removed", async () => {
  const id = await loadedProject();
  await voter.cast(id, "ann", "up");
  const watcher = await watch();
  await watcher.subscribe(id);
  const after = await voter.cast(id, "ann", "none");
  const told = await waitFor("the removal", () => watcher.last(id));
  expect(told).toMatchObject({ event: "vote:removed", upvotes: 0, voteCount: 0, version: after.version });
});

test("a project that nobody has voted on lately is found in PostgreSQL, and its next vote is told", async () => {
  const id = uniqueName("cold");
  await voter.createCold(id);
  const watcher = await watch();
  const { projects } = await watcher.subscribe(id);
  expect(projects[id]).toEqual({ upvotes: 0, downvotes: 0, voteCount: 0, version: 0 });
  await voter.load(id);
  await voter.cast(id, "ann", "up");
  expect(await waitFor("the vote", () => watcher.last(id))).toMatchObject({ upvotes: 1 });
});

test("what does not exist is named, and not watched", async () => {
  const id = await loadedProject();
  const watcher = await watch();
  const answer = await watcher.call("subscribe", {
    projects: [id, "no-such-project"],
    boards: ["some-board"],
    launches: ["2026-11-23"],
    leaderboards: ["daily"],
  });
  expect(answer).toMatchObject({ ok: true, unknown: ["no-such-project", "some-board", "2026-11-23"] });
  expect(Object.keys(answer.projects)).toEqual([id]);
  expect(await gateway.metric("rooms")).toBe(1);
});

test("2,000 votes on one project are folded: at most 20 messages a second, versions grow, the last is final", async () => {
  const id = await loadedProject();
  const watcher = await watch();
  await watcher.subscribe(id);
  const startedAtMs = performance.now();
  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => voter.cast(id, `user-${round}-${i}`, voteOf(i))));
  }
  const final = await voter.cast(id, "last", "up");
  await waitFor("the final counts", () => watcher.last(id)?.version === final.version);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  expect(watcher.last(id)).toMatchObject(final);
  expect(watcher.told.length).toBeGreaterThan(1);
  expect(watcher.told.length).toBeLessThanOrEqual(20 * seconds + 1);
  const versions = watcher.told.map(({ version }) => version);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
});

const voteOf = (i: number): VoteType => (i % 3 === 0 ? "down" : "up");

test("counts never go back for somebody who subscribes amid votes", async () => {
  const id = await loadedProject();
  await (await watch()).subscribe(id);
  let voting = true;
  const votes = (async () => {
    for (let i = 0; voting; i++) await voter.cast(id, `user-${i}`, "up");
  })();
  for (let i = 0; i < 20; i++) {
    const watcher = await watch();
    const { projects } = await watcher.subscribe(id);
    const told = watcher.told.length;
    await waitFor("a message", () => watcher.told.length > told);
    const seen = [projects[id]?.version ?? 0, ...watcher.told.slice(told).map(({ version }) => version)];
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  }
  voting = false;
  await votes;
});

test("two gateways tell their own watchers without knowing of each other", async () => {
  const id = await loadedProject();
  const other = await startTestGateway(world);
  const pair = [await watch(), await watch(other.url)];
  for (const watcher of pair) await watcher.subscribe(id);
  const after = await voter.cast(id, "ann", "up");
  for (const watcher of pair) expect(await waitFor("the vote", () => watcher.last(id))).toMatchObject(after);
});

test("unsubscribing ends the messages, and the last to leave ends the reading", async () => {
  await waitFor("an idle gateway", idle);
  const [id, other] = [await loadedProject(), await loadedProject()];
  const [leaver, stayer] = [await watch(), await watch()];
  await leaver.subscribe(id, other);
  await stayer.subscribe(id);
  expect(await leaver.unsubscribe(id, other, "never-watched")).toEqual({ ok: true });
  await voter.cast(id, "ann", "up");
  await waitFor("the stayer's message", () => stayer.last(id));
  expect(leaver.told).toEqual([]);
  await stayer.unsubscribe(id);
  expect(await idle()).toBe(true);
  const read = await gateway.metric("events_read_total");
  await voter.cast(id, "bob", "up");
  expect(await gateway.metric("events_read_total")).toBe(read);
});

test("a watcher who goes away without a word is not followed any longer", async () => {
  const watcher = await watch();
  await watcher.subscribe(await loadedProject());
  expect(await idle()).toBe(false);
  watcher.close();
  await waitFor("an idle gateway", idle);
});

test("subscribing twice changes nothing", async () => {
  const id = await loadedProject();
  const watcher = await watch();
  const [first, second] = await Promise.all([watcher.subscribe(id), watcher.subscribe(id, id)]);
  expect(second).toEqual(first);
  await voter.cast(id, "ann", "up");
  await waitFor("the vote", () => watcher.last(id));
  await watcher.unsubscribe(id);
  expect(watcher.told).toHaveLength(1);
});

test("subscribe and unsubscribe hold in the order they were sent, without waiting for answers", async () => {
  const [left, kept] = [await loadedProject(), await loadedProject()];
  const watcher = await watch();
  await Promise.all([
    watcher.subscribe(left),
    watcher.unsubscribe(left),
    watcher.subscribe(kept),
    watcher.unsubscribe(kept),
    watcher.subscribe(kept),
  ]);
  await voter.cast(left, "ann", "up");
  await voter.cast(kept, "ann", "up");
  await waitFor("the vote", () => watcher.last(kept));
  expect(watcher.last(left)).toBeUndefined();
});

test("a thousand names in one call are refused in words", async () => {
  const watcher = await watch();
  const answer = await watcher.subscribe(...Array.from({ length: 1_000 }, (_, i) => `p${i}`));
  expect(answer).toEqual({ ok: false, error: "projects: Too big: expected array to have <=200 items" });
});

test("a socket may watch only so many projects", async () => {
  const small = await startTestGateway(world, { maxRoomsPerSocket: 2 });
  const [a, b, c] = [await loadedProject(), await loadedProject(), await loadedProject()];
  const watcher = await watch(small.url);
  expect((await watcher.subscribe(a, b)).ok).toBe(true);
  expect((await watcher.subscribe(a)).ok).toBe(true);
  expect(await watcher.subscribe(c)).toEqual({
    ok: false,
    error: "a socket may watch at most 2 things: unsubscribe from some first",
  });
  await watcher.unsubscribe(a);
  expect((await watcher.subscribe(c)).ok).toBe(true);
});

test("an entry that is no vote event is passed over and counted", async () => {
  const id = await loadedProject();
  const watcher = await watch();
  await watcher.subscribe(id);
  const skipped = await gateway.metric("entries_skipped_total");
  await voter.redis.xadd(world.names.events(world.names.shardOf(id)), "*", "e", "9\nnonsense");
  await voter.cast(id, "ann", "up");
  await waitFor("the vote", () => watcher.last(id));
  expect(await gateway.metric("entries_skipped_total")).toBe(skipped + 1);
});

test("a default client, which begins with long polling, works too", async () => {
  const id = await loadedProject();
  const watcher = await Watcher.connect(gateway.url, { transports: ["polling"] });
  await watcher.subscribe(id);
  await voter.cast(id, "ann", "up");
  expect(await waitFor("the vote", () => watcher.last(id))).toMatchObject({ upvotes: 1 });
});

test("a stopping gateway sends its clients away such that they come back by themselves", async () => {
  const leaving = await startTestGateway(world);
  const watcher = await watch(leaving.url);
  const reason = new Promise((resolve) => watcher.socket.once("disconnect", resolve));
  await leaving.stop();
  expect(await reason).toBe("transport close");
  expect(watcher.socket.active).toBe(true);
});

test("the operator's pages are served, and anything else is a problem document", async () => {
  for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await fetch(gateway.url + path)).status).toBe(200);
  expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain("votesync_gateway_fold_lag_seconds");
  const missing = await fetch(`${gateway.url}/nowhere?x=1`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get("content-type")).toContain("application/problem+json");
  expect(await missing.json()).toMatchObject({ status: 404, instance: "/nowhere" });
});
