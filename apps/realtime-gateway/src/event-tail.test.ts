/** Gaps: what happens when events were lost before the tail read them. Real streams, and a clock moved by hand. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { readCounts } from "@votesync/redis-store";
import { TEST_SECRET, testPostgresUrl, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { EventTail } from "./event-tail.js";
import type { RoomMessage } from "./fold.js";
import { createVoter, type TestVoter } from "./gateway.testing.js";
import type { Snapshot } from "./snapshot.js";

const LONG_PAUSE_MS = 6_000;
const PACE_MS = 55;

let voter: TestVoter;
let names: RedisNames;
let tail: EventTail;
let told: RoomMessage[];
let gaps: number;
let nowMs: number;
let readSnapshot: (ids: readonly string[]) => Promise<Snapshot>;

beforeEach(() => setUp(1));
afterEach(() => voter.close());

async function setUp(shards: number): Promise<void> {
  names = new RedisNames(shards, uniqueName("tail"));
  voter = await createVoter({ redisUrl: testRedisUrl(), databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET });
  [told, gaps, nowMs] = [[], 0, 0];
  readSnapshot = (ids) => readCounts(voter.redis, names, ids);
  const ignore = () => undefined;
  tail = new EventTail({
    redis: voter.redis,
    names,
    paceMs: PACE_MS,
    nowMs: () => nowMs,
    readSnapshot: (ids) => readSnapshot(ids),
    tell: (message) => void told.push(message),
    observer: {
      eventsRead: ignore,
      entriesSkipped: ignore,
      gapFound: () => void gaps++,
      passFailed: ignore,
      passRecovered: ignore,
    },
  });
}

/** A watched project with one vote, whose watchers know of it. */
async function watchedProject(): Promise<void> {
  await voter.load("p");
  await voter.cast("p", "first", "up");
  tail.watch("p");
  await tail.readCurrent(["p"]);
}

const forget = (...keys: string[]) => voter.redis.del(keys);

/** The next pass, after nobody has read for a while. */
async function passAfterPause(): Promise<void> {
  nowMs += LONG_PAUSE_MS;
  await tail.pass();
}

/** The next pass, as soon as it may be. */
async function nextPass(): Promise<void> {
  nowMs += PACE_MS;
  await tail.pass();
}

/** What rooms were told since the last call. */
const newlyTold = () => told.splice(0).map(({ event, body }) => ({ event, ...body }));

test("events trimmed before they were read are a gap: fresh counts are told, and then every change", async () => {
  await watchedProject();
  await voter.cast("p", "second", "up");
  const missed = await voter.cast("p", "third", "down");
  await voter.redis.xtrim(names.events(0), "MAXLEN", 0);
  await passAfterPause();
  expect(gaps).toBe(1);
  expect(newlyTold()).toEqual([{ event: "vote:reconciled", id: "p", ...missed, reason: "gap" }]);
  const after = await voter.cast("p", "fourth", "up");
  await passAfterPause();
  expect(gaps).toBe(1);
  expect(newlyTold()).toEqual([{ event: "vote:cast", id: "p", ...after }]);
});

test("trimming what was read is no gap", async () => {
  await watchedProject();
  await voter.cast("p", "second", "up");
  await nextPass();
  await voter.redis.xtrim(names.events(0), "MAXLEN", 0);
  const after = await voter.cast("p", "third", "up");
  newlyTold();
  await passAfterPause();
  expect(gaps).toBe(0);
  expect(newlyTold()).toMatchObject([{ event: "vote:cast", version: after.version }]);
});

test("a stream that is gone is a gap, and what is left is told although it is older", async () => {
  await watchedProject();
  await voter.cast("p", "second", "up");
  await nextPass();
  newlyTold();
  await forget(names.events(0), names.project("p"));
  await voter.load("p");
  await passAfterPause();
  expect(gaps).toBe(1);
  expect(newlyTold()).toMatchObject([{ event: "vote:reconciled", upvotes: 0, version: 0 }]);
});

test("a Redis that lost its data and took new votes since is noticed too", async () => {
  await watchedProject();
  await forget(names.events(0), names.project("p"), names.votes("p", 0));
  await voter.load("p");
  await voter.load("q");
  tail.watch("q");
  await voter.cast("p", "second", "down");
  await voter.cast("q", "second", "up");
  await passAfterPause();
  expect(gaps).toBe(1);
  expect(newlyTold()).toMatchObject([
    { event: "vote:reconciled", id: "p", upvotes: 0, downvotes: 1 },
    { event: "vote:reconciled", id: "q", upvotes: 1 },
  ]);
});

test("a stream that ends before the cursor was rolled back", async () => {
  await watchedProject();
  await forget(names.events(0));
  await voter.redis.xadd(names.events(0), "1-1", "e", "old");
  await passAfterPause();
  expect(gaps).toBe(1);
  expect(newlyTold()).toMatchObject([{ event: "vote:reconciled", upvotes: 1 }]);
});

test("a shard without any vote yet is no gap, however long the pause", async () => {
  await voter.load("p");
  tail.watch("p");
  await tail.readCurrent(["p"]);
  await passAfterPause();
  const after = await voter.cast("p", "first", "up");
  await passAfterPause();
  expect(gaps).toBe(0);
  expect(newlyTold()).toEqual([{ event: "vote:cast", id: "p", ...after }]);
});

test("while fresh counts cannot be read after a gap, votes are told on, and the counts as soon as they can", async () => {
  await watchedProject();
  await voter.load("quiet");
  tail.watch("quiet");
  await forget(names.events(0));
  readSnapshot = () => Promise.reject(new Error("PostgreSQL is away"));
  await passAfterPause();
  const live = await voter.cast("p", "second", "up");
  await nextPass();
  expect(newlyTold()).toEqual([{ event: "vote:cast", id: "p", ...live }]);
  readSnapshot = (ids) => readCounts(voter.redis, names, ids);
  await passAfterPause();
  expect(newlyTold().map(({ event, id }) => `${event} ${id}`)).toEqual(["vote:reconciled p", "vote:reconciled quiet"]);
  await passAfterPause();
  expect(newlyTold()).toEqual([]);
});

test("whoever was given newer counts is not told older ones", async () => {
  await watchedProject();
  const ahead = { upvotes: 9, downvotes: 0, version: Number.MAX_SAFE_INTEGER };
  readSnapshot = async () => new Map([["p", ahead]]);
  await tail.readCurrent(["p"]);
  await voter.cast("p", "second", "up");
  await nextPass();
  expect(newlyTold()).toEqual([]);
});

test("that a period is over is told also to those with whom somebody came who was given newer counts already", async () => {
  await watchedProject();
  const { version } = await voter.cast("p", "second", "up");
  const closed = ["1", "closed", "p", 0, version + 1, 2, 0, version, version + 1].join("\n");
  await voter.redis.xadd(names.events(0), "*", "e", closed);
  const ahead = { upvotes: 1, downvotes: 0, version: version + 2 };
  readSnapshot = async () => new Map([["p", ahead]]);
  await tail.readCurrent(["p"]);
  await nextPass();
  expect(newlyTold()).toEqual([{ event: "vote:reconciled", id: "p", ...ahead, voteCount: 1, reason: "period-closed" }]);
});

test("whoever comes while older counts are read is given those the others were told", async () => {
  await watchedProject();
  const { upvotes, downvotes, version } = await voter.cast("p", "second", "up");
  await nextPass();
  readSnapshot = async () => new Map([["p", { upvotes: 0, downvotes: 0, version: 0 }]]);
  expect(await tail.readCurrent(["p"])).toEqual(new Map([["p", { upvotes, downvotes, version }]]));
});

test("a shard that hangs does not hold up the others", async () => {
  await voter.close();
  await setUp(2);
  const [hanging, free] = ["a", "b"] as const;
  expect(names.shardOf(hanging)).not.toBe(names.shardOf(free));
  for (const id of [hanging, free]) {
    await voter.load(id);
    await voter.cast(id, "first", "up");
    tail.watch(id);
    await tail.readCurrent([id]);
  }
  await forget(names.events(names.shardOf(hanging)));
  readSnapshot = () => new Promise(() => undefined);
  await passAfterPause();
  for (const user of ["second", "third"]) {
    const after = await voter.cast(free, user, "up");
    await nextPass();
    expect(newlyTold()).toEqual([{ event: "vote:cast", id: free, ...after }]);
  }
});

test("a project is told once per pass, however much it was voted on, and the last vote names the kind", async () => {
  await watchedProject();
  for (let i = 0; i < 50; i++) await voter.cast("p", `user-${i}`, "down");
  const last = await voter.cast("p", "first", "none");
  await nextPass();
  expect(newlyTold()).toEqual([{ event: "vote:removed", id: "p", ...last }]);
});

test("a vote and a repair of one window are told one after the other, one per pass", async () => {
  await watchedProject();
  const voted = await voter.cast("p", "second", "up");
  const version = voted.version + 1;
  const repair = ["1", "counts", "p", 0, version, 7, 0, "redis-drift", version].join("\n");
  await voter.redis.xadd(names.events(0), "*", "e", repair);
  await nextPass();
  expect(newlyTold()).toEqual([{ event: "vote:cast", id: "p", ...voted }]);
  await nextPass();
  expect(newlyTold()).toMatchObject([{ event: "vote:reconciled", upvotes: 7, version, reason: "redis-drift" }]);
  await nextPass();
  expect(newlyTold()).toEqual([]);
});

test("a pass right after another one does nothing, so that no second has too many messages", async () => {
  await watchedProject();
  await nextPass();
  await voter.cast("p", "second", "up");
  nowMs += PACE_MS - 1;
  await tail.pass();
  expect(newlyTold()).toEqual([]);
  nowMs += 1;
  await tail.pass();
  expect(newlyTold()).toHaveLength(1);
});

test("the pause is counted from when a pass began, however long it read", async () => {
  await watchedProject();
  readSnapshot = async () => {
    nowMs += PACE_MS - 1;
    return new Map();
  };
  await forget(names.events(0));
  await passAfterPause();
  await voter.cast("p", "second", "up");
  nowMs += 1;
  await tail.pass();
  expect(newlyTold()).toMatchObject([{ event: "vote:cast" }]);
});

test("a tail far behind catches up in bounded passes", async () => {
  await watchedProject();
  const wire = (await voter.redis.xrange(names.events(0), "-", "+", "COUNT", 1))[0]?.[1] as string[];
  for (let sent = 0; sent < 10_000; sent += 500) {
    await Promise.all(Array.from({ length: 500 }, () => voter.redis.xadd(names.events(0), "*", ...wire)));
  }
  const last = await voter.cast("p", "second", "up");
  await nextPass();
  await waitFor("the first pass", () => told.length === 1);
  expect(newlyTold()).toMatchObject([{ upvotes: 1 }]);
  await nextPass();
  await waitFor("the second pass", () => told.length === 1);
  expect(newlyTold()).toMatchObject([{ upvotes: 2, version: last.version }]);
});
