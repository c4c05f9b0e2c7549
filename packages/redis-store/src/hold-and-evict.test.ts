/** Projects leave the fast path and come back: held, loaded anew, dropped. What was read too early must never come in. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { parseEvent, RedisNames } from "@votesync/core";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { type CastOutcome, castVote } from "./cast-vote.js";
import { connectRedis, type RedisConnection } from "./connection.js";
import { readCounts } from "./counts.js";
import { readEvents, STREAM_START } from "./event-stream.js";
import { evictProject } from "./evict-project.js";
import { holdProject, type ProjectHold } from "./hold-project.js";
import { loadProject, NEVER_LOADED } from "./load-project.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const ID = "p";
const LATE_US = 9_000_000_000_000_000;

let redis: RedisConnection;
let names: RedisNames;
let requests = 0;

beforeAll(async () => {
  redis = connectRedis({ url: testRedisUrl(), name: "hold-and-evict-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
});
afterAll(() => redis.close());
beforeEach(async () => {
  names = new RedisNames(1, uniqueName("hold"));
  await load(5, NEVER_LOADED);
});

const load = (upvotes: number, hold: ProjectHold) => {
  const votes = [{ userId: "old", voteType: "up" as const, version: 1, givenAtUs: 1 }];
  return loadProject(redis.client, names, { id: ID, upvotes, downvotes: 0, version: 7, period: 0, votes }, hold);
};

function vote(userId: string): Promise<CastOutcome> {
  const cast = { requestId: `0.${++requests}`, projectId: ID, userId, voteType: "up", deadlineUs: LATE_US } as const;
  return castVote(redis.client, names, { ...cast, limit: { max: 0, windowMs: 1 } });
}

const hold = () => holdProject(redis.client, names, { projectId: ID, reason: "recovered" });
const counts = async () => (await readCounts(redis.client, names, [ID])).get(ID);

test("nobody votes on a held project until it was loaded with rows read after that", async () => {
  const first = await vote("ann");
  const earlier = await hold();
  const later = await hold();
  expect(await vote("bob")).toMatchObject({ kind: "absent", held: later.held, lastEventId: later.lastEventId });
  // Readers still see what was known.
  expect(await counts()).toMatchObject({ upvotes: 6 });

  expect(await load(90, NEVER_LOADED)).toBe(false);
  expect(await load(91, earlier)).toBe(false);
  expect(await load(8, later)).toBe(true);
  expect(await load(92, later)).toBe(false);
  expect(await vote("bob")).toMatchObject({ kind: "answer", answer: { upvotes: 9 } });
  expect(first.kind).toBe("answer");
});

test("loading a held project tells its watchers why, with a version above all before", async () => {
  await vote("ann");
  const before = await counts();
  await load(8, await hold());
  const entries = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 10 });
  const told = parseEvent(entries.at(-1)?.wire);
  expect(told).toMatchObject({ kind: "counts", projectId: ID, upvotes: 8, downvotes: 0, reason: "recovered" });
  expect(told.version).toBeGreaterThan(before?.version ?? 0);
  expect(await counts()).toEqual({ upvotes: 8, downvotes: 0, version: told.version });
});

test("a project that is not in Redis is held too: a load that began before comes to nothing", async () => {
  names = new RedisNames(1, uniqueName("hold"));
  const absent = await vote("ann");
  if (absent.kind !== "absent") throw new Error(absent.kind);
  const held = await hold();
  expect(await load(90, absent)).toBe(false);
  expect(await counts()).toBeUndefined();
  expect(await load(5, held)).toBe(true);
});

test("a load that took too long comes to nothing", async () => {
  names = new RedisNames(1, uniqueName("hold"));
  expect(await load(90, { held: "", lastEventId: STREAM_START, nowUs: 1 })).toBe(false);
});

test("counters that are not to be trusted are not shown", async () => {
  await holdProject(redis.client, names, { projectId: ID, reason: "rebuilt", forgetCounts: true });
  expect(await counts()).toBeUndefined();
});

test("a project is dropped only when it is quiet, applied and compared", async () => {
  const evict = (lastId: string, idleSinceUs = LATE_US) =>
    evictProject(redis.client, names, { projectId: ID, lastId, idleSinceUs });
  await vote("ann");
  const [entry] = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 1 });
  const lastId = entry?.id as string;
  expect(await evict(lastId, 1)).toBe("busy");
  expect(await evict(STREAM_START)).toBe("behind");
  expect(await evict(lastId)).toBe("unchecked");
  await redis.client.zrem(names.changed(0), ID);
  const held = await hold();
  expect(await evict(lastId)).toBe("held");
  await load(6, held);
  await redis.client.zrem(names.changed(0), ID);
  expect(await evict(`${LATE_US}-0`)).toBe("evicted");
  expect(await redis.client.keys(`${names.prefix}:*{s0}:project:*`)).toEqual([]);
  expect((await vote("bob")).kind).toBe("absent");
  expect(await evict(lastId)).toBe("gone");
});
