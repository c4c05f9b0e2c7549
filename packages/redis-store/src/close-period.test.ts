/**
 * The closing instant is exact: over random schedules around a launch's two instants, each vote is counted in the period its
 * moment belongs to, and each period ends once with the counters its votes give.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ClosedEvent, parseEvent, RedisNames, type VoteType, voteTransition } from "@votesync/core";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import fc from "fast-check";
import { type CastOutcome, castVote } from "./cast-vote.js";
import { closePeriod } from "./close-period.js";
import { connectRedis, type RedisConnection } from "./connection.js";
import { readEvents, STREAM_START } from "./event-stream.js";
import { holdProject } from "./hold-project.js";
import { loadProject, NEVER_LOADED } from "./load-project.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const LATE_US = 9_000_000_000_000_000;
const ID = "app";

let redis: RedisConnection;

beforeAll(async () => {
  redis = connectRedis({ url: testRedisUrl(), name: "close-period-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
});
afterAll(() => redis.close());

async function nowUs(): Promise<number> {
  const [seconds, microseconds] = await redis.client.time();
  return Number(seconds) * 1_000_000 + Number(microseconds);
}

async function loadedWith(instants: { opensAtUs?: number | null; closesAtUs?: number | null }): Promise<RedisNames> {
  const names = new RedisNames(1, uniqueName("close"));
  const project = { id: ID, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [], ...instants };
  await loadProject(redis.client, names, project, NEVER_LOADED);
  return names;
}

let requests = 0;
function cast(names: RedisNames, userId: string, voteType: VoteType): Promise<CastOutcome> {
  const request = { requestId: `0.${++requests}`, projectId: ID, userId, voteType, deadlineUs: LATE_US };
  return castVote(redis.client, names, { ...request, limit: { max: 0, windowMs: 1 } });
}

async function closedEvents(names: RedisNames): Promise<ClosedEvent[]> {
  const entries = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 10_000 });
  return entries.map(({ wire }) => parseEvent(wire)).filter((event): event is ClosedEvent => event.kind === "closed");
}

const call = fc.record({
  user: fc.constantFrom("ann", "bob", "cem"),
  vote: fc.constantFrom<VoteType>("up", "up", "none"),
  asksFinalizer: fc.boolean(),
  pings: fc.nat({ max: 6 }),
});

test("each vote is in the period of its moment, and each period ends once with what its votes give", async () => {
  const schedule = fc.array(call, { minLength: 30, maxLength: 60 });
  await fc.assert(fc.asyncProperty(schedule, fc.nat({ max: 4_000 }), fc.nat({ max: 4_000 }), checkSchedule), {
    numRuns: 60,
  });
});

async function checkSchedule(
  calls: (typeof call extends fc.Arbitrary<infer T> ? T : never)[],
  untilOpen: number,
  open: number,
) {
  const opensAtUs = (await nowUs()) + untilOpen;
  const closesAtUs = opensAtUs + open;
  const names = await loadedWith({ opensAtUs, closesAtUs });
  const standings = [new Map<string, VoteType>(), new Map<string, VoteType>(), new Map<string, VoteType>()];
  for (const { user, vote, asksFinalizer, pings } of calls) {
    for (let i = 0; i < pings; i++) await redis.client.ping();
    if (asksFinalizer) await closePeriod(redis.client, names, ID);
    const outcome = await cast(names, user, vote);
    const period = outcome.nowUs < opensAtUs ? 0 : outcome.nowUs < closesAtUs ? 1 : 2;
    const standing = standings[period] as Map<string, VoteType>;
    const { action } = voteTransition(standing.get(user) ?? "none", vote);
    expect(outcome).toMatchObject({ kind: "answer", answer: { action } });
    standing.set(user, vote);
  }
  await waitFor("the launch to be over", async () => (await nowUs()) >= closesAtUs);
  const upvotes = (period: number) => [...(standings[period]?.values() ?? [])].filter((vote) => vote === "up").length;
  expect(await closePeriod(redis.client, names, ID)).toMatchObject({ kind: "open", period: 2, upvotes: upvotes(2) });
  expect(await closedEvents(names)).toMatchObject([
    { period: 0, upvotes: upvotes(0), instantUs: opensAtUs },
    { period: 1, upvotes: upvotes(1), instantUs: closesAtUs },
  ]);
}

test("a period without a vote ends too, with nothing, and the versions go on growing", async () => {
  const names = await loadedWith({ closesAtUs: await nowUs() });
  const closed = await closePeriod(redis.client, names, ID);
  expect(closed).toMatchObject({ kind: "open", period: 1, upvotes: 0 });
  expect(await closePeriod(redis.client, names, ID)).toMatchObject({ period: 1 });
  const [event] = await closedEvents(names);
  expect(event).toMatchObject({ period: 0, upvotes: 0, downvotes: 0 });
  const next = await cast(names, "ann", "up");
  expect(next.kind === "answer" && next.answer.version > (event?.version ?? 0)).toBe(true);
});

test("an instant still to come ends nothing", async () => {
  const names = await loadedWith({ opensAtUs: null, closesAtUs: LATE_US });
  await cast(names, "ann", "up");
  expect(await closePeriod(redis.client, names, ID)).toMatchObject({ period: 0, upvotes: 1 });
  expect(await closedEvents(names)).toEqual([]);
});

test("a held project is not closed on what may be out of date", async () => {
  const names = await loadedWith({ closesAtUs: await nowUs() });
  const { held } = await holdProject(redis.client, names, { projectId: ID, reason: "recovered" });
  expect(await closePeriod(redis.client, names, ID)).toMatchObject({ kind: "absent", held });
  expect(await closedEvents(names)).toEqual([]);
});
