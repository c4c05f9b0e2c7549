/**
 * The promise as a property: over random histories, `cast-vote.lua` gives the same answers, counters, votes and events
 * as a plain model of a few lines. Real time passes in the script, so the model takes each answer's time from it.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { nextVersion, parseEvent, RedisNames, type VoteEvent, type VoteType, voteTransition } from "@votesync/core";
import { testRedisUrl, uniqueName } from "@votesync/testkit";
import fc from "fast-check";
import { type CastOutcome, castVote, type VoteAnswer } from "./cast-vote.js";
import { connectRedis, type RedisConnection } from "./connection.js";
import { readCounts } from "./counts.js";
import { readEvents, STREAM_START } from "./event-stream.js";
import { loadProject, NEVER_LOADED } from "./load-project.js";

const HISTORIES = 1_000;
const LIMIT = { max: 3, windowMs: 60 };
const NEVER_US = Number.MAX_SAFE_INTEGER;
const SILENT = { info: () => {}, warn: () => {} };

let redis: RedisConnection;

beforeAll(async () => {
  redis = connectRedis({ url: testRedisUrl(), name: "cast-vote-test", log: SILENT });
  await new Promise<void>((ready) => redis.client.once("ready", () => ready()));
});
afterAll(() => redis.close());

/** The last one is ahead of the clock, as after a clock that went back. */
const START_VERSIONS = { p: 0, "p:1": 1, "p.2": 8_000_000_000_000_000 };
/** A launch. */
const UP_ONLY = "p:1";

/** One call in a history. `key` makes it carry an Idempotency-Key; `resend` repeats the request before it, id and all. */
const callArbitrary = fc.record({
  project: fc.constantFrom("p", "p:1", "p.2"),
  user: fc.constantFrom("ann", "bob", "1:ann", "é ü/{s0}"),
  vote: fc.constantFrom<VoteType>("up", "down", "none"),
  key: fc.option(fc.constantFrom("k1", "k2"), { freq: 3 }),
  resend: fc.boolean(),
});
type Call = typeof callArbitrary extends fc.Arbitrary<infer T> ? T : never;

interface ModelProject {
  upvotes: number;
  downvotes: number;
  version: number;
  votes: Map<string, { vote: VoteType; stamp: number }>;
}

/** What the script promises, without Redis. */
class Model {
  readonly projects = new Map<string, ModelProject>();
  readonly events: object[] = [];
  private readonly times = new Map<string, number[]>();
  private readonly keys = new Map<string, { body: VoteType; answer: object }>();
  private readonly requests = new Map<string, object>();

  cast(requestId: string, call: Call, nowUs: number): object {
    const known = this.requests.get(requestId);
    if (known !== undefined) return { kind: "answer", replayed: false, answer: known };
    const keyName = `${call.project}|${call.user}|${call.key}`;
    const kept = call.key === null ? undefined : this.keys.get(keyName);
    if (kept !== undefined) {
      return kept.body === call.vote ? { kind: "answer", replayed: true, answer: kept.answer } : { kind: "conflict" };
    }
    if (call.project === UP_ONLY && call.vote === "down") return { kind: "up-only" };
    const times = this.timesWithin(`${call.project}|${call.user}`, nowUs);
    if (times.length >= LIMIT.max) return { kind: "limited" };
    times.push(nowUs);
    const answer = this.apply(requestId, call, nowUs);
    this.requests.set(requestId, answer);
    if (call.key !== null) this.keys.set(keyName, { body: call.vote, answer });
    return { kind: "answer", replayed: false, answer };
  }

  private timesWithin(who: string, nowUs: number): number[] {
    const times = (this.times.get(who) ?? []).filter((at) => at > nowUs - LIMIT.windowMs * 1_000);
    this.times.set(who, times);
    return times;
  }

  private apply(requestId: string, call: Call, nowUs: number): object {
    const project = this.projects.get(call.project) as ModelProject;
    const { vote: current, stamp: heldStamp } = project.votes.get(call.user) ?? { vote: "none", stamp: 0 };
    const { action, upvotesDelta, downvotesDelta } = voteTransition(current, call.vote);
    const kind = action === "unchanged" ? "unchanged" : "vote";
    const stamp = nextVersion(Math.max(project.version, heldStamp), nowUs);
    project.votes.set(call.user, { vote: call.vote, stamp });
    if (kind === "vote") {
      project.upvotes += upvotesDelta;
      project.downvotes += downvotesDelta;
      project.version = stamp;
    }
    const { upvotes, downvotes, version } = project;
    const answer = { requestId, projectId: call.project, userId: call.user, action, upvotes, downvotes, version };
    const told = { ...answer, voteType: call.vote, acceptedAtUs: nowUs };
    const idempotency = call.key === null ? null : { key: call.key, fingerprint: call.vote };
    this.events.push({ ...told, kind, stamp, previousVoteType: current, period: 0, idempotency });
    return told;
  }
}

test(`${HISTORIES} random histories end as the reference model says: answers, counters, votes, events`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(callArbitrary, { maxLength: 25 }), checkHistory), { numRuns: HISTORIES });
});

async function checkHistory(history: Call[]): Promise<void> {
  // One shard: all projects share a stream, so the order of events over projects is checked too.
  const names = new RedisNames(1, uniqueName("cast"));
  const model = new Model();
  for (const [id, version] of Object.entries(START_VERSIONS)) {
    await loadProject(
      redis.client,
      names,
      { id, upvotes: 0, downvotes: 0, version, period: 0, upOnly: id === UP_ONLY, votes: [] },
      NEVER_LOADED,
    );
    model.projects.set(id, { upvotes: 0, downvotes: 0, version, votes: new Map() });
  }
  let previous: { requestId: string; call: Call } | undefined;
  for (const [i, call] of history.entries()) {
    const now = previous !== undefined && call.resend ? previous : { requestId: `0.request-${i}`, call };
    const outcome = await cast(names, now.requestId, now.call);
    expect(simplified(outcome)).toEqual(model.cast(now.requestId, now.call, outcome.nowUs));
    previous = now;
  }
  await expectSameState(names, model);
}

function cast(names: RedisNames, requestId: string, call: Call): Promise<CastOutcome> {
  return castVote(redis.client, names, {
    requestId,
    projectId: call.project,
    userId: call.user,
    voteType: call.vote,
    deadlineUs: NEVER_US,
    limit: LIMIT,
    idempotency: call.key === null ? undefined : { key: call.key, fingerprint: call.vote },
  });
}

function simplified(outcome: CastOutcome): object {
  if (outcome.kind !== "answer") return { kind: outcome.kind };
  const { eventId: _, ...answer } = outcome.answer;
  return { kind: "answer", replayed: outcome.replayed, answer };
}

async function expectSameState(names: RedisNames, model: Model): Promise<void> {
  const counts = await readCounts(redis.client, names, [...model.projects.keys()]);
  for (const [id, { upvotes, downvotes, version, votes }] of model.projects) {
    expect(counts.get(id)).toEqual({ upvotes, downvotes, version });
    const held = await redis.client.hgetall(names.votes(id, 0));
    const heldVotes = Object.entries(held).map(([user, text]) => {
      const [vote, stamp] = text.split(":");
      return [user, { vote, stamp: Number(stamp) }] as const;
    });
    expect(new Map(heldVotes)).toEqual(votes);
  }
  const entries = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 1_000 });
  const events = entries.map(({ wire }) => {
    const { previousAtUs: _, ...event } = parseEvent(wire) as VoteEvent;
    return event;
  });
  expect(events).toEqual(model.events);
}

async function loadedProject(): Promise<RedisNames> {
  const names = new RedisNames(1, uniqueName("cast"));
  const project = { id: "p", upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [] };
  await loadProject(redis.client, names, project, NEVER_LOADED);
  return names;
}

const REQUEST = { requestId: "0.r", projectId: "p", userId: "ann", voteType: "up", deadlineUs: NEVER_US } as const;

test("200 copies of one request at once have one effect and one answer", async () => {
  const names = await loadedProject();
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => castVote(redis.client, names, { ...REQUEST, limit: LIMIT })),
  );
  const answers = outcomes.map((outcome) => (outcome.kind === "answer" ? outcome.answer : outcome.kind));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ action: "created", upvotes: 1 });
  expect(await redis.client.xlen(names.events(0))).toBe(1);
});

test("a cast that runs after its deadline does nothing", async () => {
  const names = await loadedProject();
  const outcome = await castVote(redis.client, names, { ...REQUEST, deadlineUs: 1, limit: LIMIT });
  expect(outcome.kind).toBe("late");
  expect(await redis.client.exists(names.events(0), names.request(0, "0.r"), names.rate("p", "ann"))).toBe(0);
});

test("a project that is not loaded is not made up", async () => {
  const names = new RedisNames(1, uniqueName("cast"));
  const outcome = await castVote(redis.client, names, { ...REQUEST, limit: LIMIT });
  expect(outcome.kind).toBe("absent");
  expect(await redis.client.keys(`${names.prefix}*`)).toEqual([]);
});

test("a partial project asks for the user it lacks, once, and believes only an answer to its own load", async () => {
  const names = new RedisNames(1, uniqueName("cast"));
  const project = { id: "p", upvotes: 20_000, downvotes: 1, version: 7, period: 0, votes: null };
  await loadProject(redis.client, names, project, NEVER_LOADED);
  const asked = await castVote(redis.client, names, { ...REQUEST, limit: LIMIT });
  if (asked.kind !== "ask") throw new Error(`expected to be asked, got ${asked.kind}`);

  const known = { voteType: "down", version: 5, givenAtUs: 5 } as const;
  const stale = { ...REQUEST, limit: LIMIT, knownVote: { ...known, generation: "of an earlier load" } };
  expect((await castVote(redis.client, names, stale)).kind).toBe("ask");

  const knownVote = { ...known, generation: asked.generation };
  const outcome = await castVote(redis.client, names, { ...REQUEST, limit: LIMIT, knownVote });
  expect(outcome).toMatchObject({ kind: "answer", answer: { action: "changed", upvotes: 20_001, downvotes: 0 } });
  const next = { ...REQUEST, requestId: "0.r2", voteType: "none", limit: LIMIT } as const;
  expect(await castVote(redis.client, names, next)).toMatchObject({ kind: "answer", answer: { action: "removed" } });
});

test("a counter somebody tampered with never makes an event that cannot be applied", async () => {
  const names = await loadedProject();
  await castVote(redis.client, names, { ...REQUEST, limit: LIMIT });
  await redis.client.hset(names.project("p"), { upvotes: "-7", downvotes: "many" });
  const outcome = await castVote(redis.client, names, {
    ...REQUEST,
    requestId: "0.r2",
    voteType: "down",
    limit: LIMIT,
  });
  expect(outcome).toMatchObject({ kind: "answer", answer: { upvotes: 0, downvotes: 1 } as Partial<VoteAnswer> });
  const entries = await readEvents(redis.client, names, { shard: 0, afterId: STREAM_START, count: 10 });
  expect(entries.map(({ wire }) => (parseEvent(wire) as VoteEvent).action)).toEqual(["created", "changed"]);
});

test("over random times no window holds a sixth answered vote, and no vote is refused that the rule allows", async () => {
  const limit = { max: 5, windowMs: 40 };
  const gaps = fc.array(fc.nat({ max: 40 }), { minLength: 60, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(gaps, async (schedule) => {
      const names = await loadedProject();
      const acceptedUs: number[] = [];
      for (const [i, gap] of schedule.entries()) {
        // Time passes by asking for something else, now more, now less.
        for (let pings = 0; pings < gap; pings++) await redis.client.ping();
        const outcome = await castVote(redis.client, names, { ...REQUEST, requestId: `0.r${i}`, limit });
        const inWindow = acceptedUs.filter((at) => at > outcome.nowUs - limit.windowMs * 1_000).length;
        expect(outcome.kind).toBe(inWindow >= limit.max ? "limited" : "answer");
        if (outcome.kind === "answer") acceptedUs.push(outcome.nowUs);
      }
      const spans = acceptedUs.slice(limit.max).map((at, i) => at - (acceptedUs[i] as number));
      expect(Math.min(...spans, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(limit.windowMs * 1_000);
    }),
    { numRuns: 20 },
  );
});
