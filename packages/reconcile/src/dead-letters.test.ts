import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { tryParseEvent, type VoteEvent, voteWire } from "@votesync/core";
import { buryEntry, type DeadLetterKey, findDueEntries } from "@votesync/postgres-store";
import { parseOutcome, readCounts, readEvents, readStream, STREAM_START } from "@votesync/redis-store";
import { castAgain, type VoteToCast } from "./cast-again.js";
import { DeadLetters } from "./dead-letters.js";
import { withdrawDeadVote } from "./dead-vote.js";
import { TestStores } from "./stores.testing.js";

const PROJECT = "p1";

let stores: TestStores;
let letters: DeadLetters;
let casts: number;

beforeEach(async () => {
  stores = await TestStores.create();
  [casts, letters] = [0, new DeadLetters(stores, cast)];
});
afterEach(() => stores.remove());

const cast = (vote: VoteToCast) => {
  casts++;
  return castAgain(stores, vote);
};

/** What failed becomes dead letters at once. */
async function bury(): Promise<DeadLetterKey[]> {
  const later = new Date(Date.now() + 60_000);
  const due = await findDueEntries(stores.pool, { shards: stores.names.allShards(), now: later, limit: 100 });
  for (const entry of due) await buryEntry(stores.pool, entry, "given up");
  return due;
}

/** A project with a vote of eve's that was given up, for a reason that is mended since. */
async function deadVote(): Promise<DeadLetterKey> {
  await stores.createProject(PROJECT);
  await stores.cast(PROJECT, "ann", "up");
  await stores.cast(PROJECT, "eve", "up", `${stores.names.shardOf(PROJECT)}.doomed`);
  await park();
  const [key] = await bury();
  return key as DeadLetterKey;
}

/** Applies what is in the stream; eve's events are parked. */
async function park(): Promise<void> {
  await stores.apply(PROJECT, ({ event }) => event.kind === "vote" && event.userId === "eve");
}

async function settle(key: DeadLetterKey): Promise<void> {
  await withdrawDeadVote(stores, await letters.find(key));
  await stores.apply(PROJECT);
}

async function expectEqual(counts: { upvotes: number; downvotes: number }): Promise<void> {
  await stores.apply(PROJECT);
  const inRedis = (await readCounts(stores.redis, stores.names, [PROJECT])).get(PROJECT);
  expect(inRedis).toMatchObject(counts);
  expect(await stores.rows("SELECT upvotes, downvotes, version FROM projects")).toEqual([inRedis]);
}

test("a replay casts the vote anew, and everything is as if it had never failed", async () => {
  const key = await deadVote();
  await settle(key);
  await expectEqual({ upvotes: 1, downvotes: 0 });
  const letter = await letters.replay(key);
  expect(letter).toMatchObject({ resolution: "replayed", replayRequestId: expect.any(String) });
  expect(letter.replayRequestId).not.toBe(letter.requestId);
  await expectEqual({ upvotes: 2, downvotes: 0 });
  expect(await stores.rows("SELECT request_id FROM vote_events WHERE user_id = 'eve'")).toEqual([
    { request_id: letter.replayRequestId },
  ]);
});

test("a letter replayed before its vote was taken out of Redis still reaches the rows", async () => {
  const key = await deadVote();
  await letters.replay(key);
  await expectEqual({ upvotes: 2, downvotes: 0 });
  expect((await letters.find(key)).withdrawnAt).not.toBeNull();
});

test("whoever has voted since keeps that vote: the letter is superseded and nothing is cast", async () => {
  const key = await deadVote();
  await settle(key);
  await stores.cast(PROJECT, "eve", "down");
  expect(await letters.replay(key)).toMatchObject({ resolution: "superseded", replayRequestId: null });
  expect(casts).toBe(0);
  await expectEqual({ upvotes: 1, downvotes: 1 });
});

test("a vote that the fallback took since supersedes a letter too", async () => {
  const key = await deadVote();
  await settle(key);
  await stores.castPastRedis(PROJECT, "eve", "down");
  expect(await letters.replay(key)).toMatchObject({ resolution: "superseded" });
});

test("two replays at once cast once", async () => {
  const key = await deadVote();
  await settle(key);
  const results = await Promise.allSettled([letters.replay(key), letters.replay(key)]);
  expect(results.map(({ status }) => status)).toContain("fulfilled");
  const events = await readEvents(stores.redis, stores.names, { shard: key.shard, afterId: key.streamId, count: 99 });
  const replays = events.filter(({ wire }) => tryParseEvent(wire)?.kind === "vote");
  expect(replays).toHaveLength(1);
  await expectEqual({ upvotes: 2, downvotes: 0 });
});

test("a replay killed after its cast is finished by the next one, under the same request", async () => {
  const key = await deadVote();
  await settle(key);
  const first = await letters.replay(key);
  await stores.rows("UPDATE dead_letters SET resolution = NULL, resolved_at = NULL, replay_request_id = NULL");
  expect(await letters.replay(key)).toMatchObject({
    resolution: "replayed",
    replayRequestId: first.replayRequestId,
  });
  expect(casts).toBe(1);
});

test("what cannot be replayed says why, and stays", async () => {
  const shard = stores.names.shardOf("nowhere");
  const event: VoteEvent = {
    kind: "vote",
    requestId: `${shard}.by-hand`,
    projectId: "nowhere",
    period: 0,
    userId: "eve",
    action: "created",
    voteType: "up",
    previousVoteType: "none",
    previousAtUs: 0,
    version: 10,
    stamp: 10,
    upvotes: 1,
    downvotes: 0,
    acceptedAtUs: 10,
    idempotency: null,
  };
  await stores.redis.xadd(stores.names.events(shard), "*", "e", voteWire(event));
  await stores.apply("nowhere");
  const [homeless] = (await bury()) as [DeadLetterKey];
  const broken = { shard, streamId: "1-1" };
  await stores.rows(
    "INSERT INTO dead_letters (shard, stream_id, fields, error) VALUES ($1, '1-1', '{a,b}', 'broken')",
    [shard],
  );
  await expect(letters.replay(homeless)).rejects.toMatchObject({ reason: "no-project" });
  await expect(letters.replay(broken)).rejects.toMatchObject({ reason: "not-a-vote" });
  await expect(letters.replay({ shard, streamId: "9-9" })).rejects.toMatchObject({ reason: "not-found" });
  expect((await letters.list({ limit: 10, all: false })).letters).toHaveLength(2);
  await stores.createProject("nowhere");
  expect(await letters.replay(homeless)).toMatchObject({ resolution: "replayed" });
  await expect(letters.replay(homeless)).rejects.toMatchObject({ reason: "resolved" });
  await stores.apply("nowhere");
  expect(await stores.rows("SELECT upvotes FROM projects")).toEqual([{ upvotes: 1 }]);
});

test("dropping twice is dropping once, and what was replayed cannot be dropped", async () => {
  const key = await deadVote();
  expect(await letters.drop(key)).toMatchObject({ resolution: "dropped" });
  expect(await letters.drop(key)).toMatchObject({ resolution: "dropped" });
  await expect(letters.replay(key)).rejects.toMatchObject({ reason: "resolved" });
  await stores.rows("UPDATE dead_letters SET resolution = 'replayed'");
  await expect(letters.drop(key)).rejects.toMatchObject({ reason: "resolved" });
});

test("pages hold every letter once, newest first", async () => {
  await stores.rows(`INSERT INTO dead_letters (shard, stream_id, fields, error, created_at, resolution)
    SELECT i % 2, i || '-0', '{}', 'e', 'epoch'::timestamptz + (i / 3) * interval '1 second',
           CASE WHEN i % 5 = 0 THEN 'dropped' END
      FROM generate_series(1, 25) i`);
  const seen: string[] = [];
  let page = await letters.list({ limit: 4, all: true });
  for (;;) {
    seen.push(...page.letters.map(({ createdAt, streamId }) => `${createdAt.getTime()} ${streamId}`));
    if (page.next === null) break;
    page = await letters.list({ limit: 4, all: true, after: page.next });
  }
  expect(new Set(seen).size).toBe(25);
  const times = seen.map((one) => Number(one.split(" ")[0]));
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect((await letters.list({ limit: 100, all: false })).letters).toHaveLength(20);
});

test("the voter is told once the vote is out of Redis, in words that are not PostgreSQL's", async () => {
  const key = await deadVote();
  await settle(key);
  const [entry] = await readStream(stores.redis, stores.names.outcomes(), { afterId: STREAM_START, count: 10 });
  expect(entry && parseOutcome(entry)).toMatchObject({
    userId: "eve",
    event: "vote:failed",
    body: { request_id: `${key.shard}.doomed`, id: PROJECT, error: expect.stringContaining("could not be stored") },
  });
});
