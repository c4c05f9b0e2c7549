import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { parseEvent, RedisNames, type VoteEvent, type VoteType } from "@votesync/core";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { castVote } from "./cast-vote.js";
import { connectRedis, type RedisConnection } from "./connection.js";
import { readCounts } from "./counts.js";
import { readEvents, STREAM_START } from "./event-stream.js";
import { holdProject } from "./hold-project.js";
import { loadProject, NEVER_LOADED } from "./load-project.js";
import { readHeldVote, withdrawVote } from "./withdraw-vote.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const NOTHING = { voteType: "none", givenAtUs: 0 } as const;

let redis: RedisConnection;
let names: RedisNames;
let requests = 0;

beforeAll(async () => {
  redis = connectRedis({ url: testRedisUrl(), name: "withdraw-vote-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
});
afterAll(() => redis.close());
beforeEach(async () => {
  names = new RedisNames(1, uniqueName("withdraw"));
  const ann = { userId: "ann", voteType: "down" as const, version: 5, givenAtUs: 4 };
  const project = { id: "p", upvotes: 0, downvotes: 1, version: 9, period: 0, votes: [ann] };
  await loadProject(redis.client, names, project, NEVER_LOADED);
});

interface StoredEvent {
  streamId: string;
  event: VoteEvent;
}

async function events(): Promise<{ streamId: string; event: ReturnType<typeof parseEvent> }[]> {
  const entries = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 100 });
  return entries.map(({ id, wire }) => ({ streamId: id, event: parseEvent(wire) }));
}

async function vote(userId: string, voteType: VoteType): Promise<StoredEvent> {
  await castVote(redis.client, names, {
    requestId: `0.${requests++}`,
    projectId: "p",
    userId,
    voteType,
    deadlineUs: Number.MAX_SAFE_INTEGER,
    limit: { max: 0, windowMs: 1 },
  });
  return (await events()).at(-1) as StoredEvent;
}

const counts = async () => (await readCounts(redis.client, names, ["p"])).get("p");
const held = (userId: string) => readHeldVote(redis.client, names, { projectId: "p", period: 0, userId });
const withdraw = (failed: StoredEvent, stored: { voteType: VoteType; givenAtUs: number } = NOTHING) =>
  withdrawVote(redis.client, names, { ...failed, stored });

test("the user's vote goes back to what the rows say, the counters with it, and an event tells it", async () => {
  const failed = await vote("ann", "up");
  const version = await withdraw(failed, { voteType: "down", givenAtUs: 4 });
  expect(version).toBeGreaterThan(failed.event.version);
  expect(await counts()).toEqual({ upvotes: 0, downvotes: 1, version });
  expect(await held("ann")).toEqual({ voteType: "down", version, givenAtUs: 4 });
  const last = (await events()).at(-1);
  expect(last?.event).toMatchObject({ kind: "counts", reason: "vote-failed", upvotes: 0, downvotes: 1, version });
  expect(await redis.client.zscore(names.changed(0), "p")).toBe(String(version));
  expect(await redis.client.hget(names.project("p"), "last_event")).toBe(last?.streamId);
});

test("doing it again changes nothing and says the same, also after the user has voted anew", async () => {
  const failed = await vote("bob", "up");
  const version = await withdraw(failed);
  expect(await withdraw(failed)).toBe(version);
  await vote("bob", "up");
  const after = await counts();
  expect(await withdraw(failed)).toBe(version);
  expect(await counts()).toEqual(after);
  expect(after).toMatchObject({ upvotes: 1, downvotes: 1 });
});

test("a vote that was voted over stays as it is", async () => {
  const failed = await vote("bob", "up");
  const newer = await vote("bob", "down");
  expect(await withdraw(failed)).toBe(0);
  expect(await counts()).toMatchObject({ upvotes: 0, downvotes: 2, version: newer.event.version });
});

test("nothing is touched of a project that is not loaded, is held, or is in another period", async () => {
  const failed = await vote("bob", "up");
  const stream = (await events()).length;
  await redis.client.hset(names.project("p"), "period", "1");
  expect(await withdraw(failed)).toBe(0);
  await redis.client.hset(names.project("p"), "period", "0");
  await holdProject(redis.client, names, { projectId: "p", reason: "redis-drift" });
  expect(await withdraw(failed)).toBe(0);
  await redis.client.del(names.project("p"));
  expect(await withdraw(failed)).toBe(0);
  expect(await events()).toHaveLength(stream);
});

test("counters somebody tampered with do not go below zero, and a version ahead of the clock grows on", async () => {
  const failed = await vote("bob", "up");
  const ahead = 8_000_000_000_000_000;
  await redis.client.hset(names.project("p"), { upvotes: 0, version: ahead });
  expect(await withdraw(failed)).toBe(ahead + 1);
  expect(await counts()).toEqual({ upvotes: 0, downvotes: 1, version: ahead + 1 });
});

test("whoever votes after it starts from what came back", async () => {
  await withdraw(await vote("ann", "up"), { voteType: "down", givenAtUs: 4 });
  const next = await vote("ann", "none");
  expect(next.event).toMatchObject({ action: "removed", previousVoteType: "down", previousAtUs: 4 });
  expect(await counts()).toMatchObject({ upvotes: 0, downvotes: 0 });
});
