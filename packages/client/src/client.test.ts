/** The client where no gateway can be had, against answers this test gives one by one. */
import { afterEach, expect, test } from "@jest/globals";
import { createVoteClient, type VoteClient } from "./client.js";
import { TestClock } from "./clock.testing.js";
import type { VoteClientOptions } from "./options.js";

interface Call {
  path: string;
  token: string | null;
  answer(body: object, status?: number): void;
  fail(): void;
}

const clients: VoteClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function setUp(options: VoteClientOptions = {}) {
  const clock = new TestClock();
  const calls: Call[] = [];
  const fetch = ((url: string, { headers = {} }: { headers?: Record<string, string> }) =>
    new Promise<Response>((resolve, reject) => {
      calls.push({
        path: url,
        token: headers.Authorization?.replace("Bearer ", "") ?? null,
        answer: (body, status = 200) => resolve(new Response(JSON.stringify(body), { status })),
        fail: () => reject(new TypeError("network")),
      });
    })) as typeof globalThis.fetch;
  const client = createVoteClient({ realtimeUrls: [], clock, fetch, debounceMs: 0, minIntervalMs: 0, ...options });
  clients.push(client);
  /** The oldest call to the path that is not answered yet. */
  const next = async (path: string): Promise<Call> => {
    await clock.pass(0);
    const index = calls.findIndex((call) => call.path.startsWith(path));
    const [call] = index < 0 ? [] : calls.splice(index, 1);
    if (call === undefined) throw new Error(`nobody called ${path}, but ${calls.map((other) => other.path)}`);
    return call;
  };
  return { client, clock, calls, next };
}

const counts = (upvotes: number, version: number) => ({ upvotes, downvotes: 0, voteCount: upvotes, version });
const listed = (upvotes: number, version: number) => ({ projects: [{ id: "p", ...counts(upvotes, version) }] });
const answered = (user_vote: "up" | null, upvotes: number, version: number) => ({
  data: { id: "p", user_vote, ...counts(upvotes, version) },
});
const POLL_AFTER_MS = 2_000;

test("votes past Redis are told for ten seconds, and no longer when the next answer is as ever", async () => {
  const { client, clock, next } = setUp();
  const vote = async (vote: "up" | null, degraded: boolean) => {
    client.vote("p", vote);
    const answer = answered(vote, 1, clock.nowMs() + 1);
    (await next("/api/votes")).answer({ data: { ...answer.data, ...(degraded ? { degraded } : {}) } });
    await clock.pass(0);
  };
  await vote("up", true);
  await clock.pass(9_000);
  expect(client.degraded.get()).toBe(true);
  await clock.pass(1_000);
  expect(client.degraded.get()).toBe(false);
  await vote(null, true);
  await vote("up", false);
  expect(client.degraded.get()).toBe(false);
});

test("without a socket launch days and leaderboards are asked for too, and a date that is none stops nothing", async () => {
  const { client, clock, next } = setUp();
  client.watch({ launches: ["2090-01-15", "never"], leaderboards: ["daily"] });
  await clock.pass(POLL_AFTER_MS);
  (await next("/api/launch?date=2090-01-15")).answer({ status: "closing", apps: [] });
  (await next("/api/launch?date=never")).answer({ title: "Bad Request" }, 400);
  (await next("/api/leaderboard?period=daily")).answer({ period: "daily", key: "2090-01-15", entries: [] });
  await clock.pass(0);
  expect(client.launch("2090-01-15").get()).toBe("closing");
  expect(client.leaderboard("daily").get()).toMatchObject({ key: "2090-01-15" });
  expect(client.connection.get()).toBe("polling");
});

test("the answer to a vote of whoever was signed in before is not shown as the next one's", async () => {
  const { client, clock, next } = setUp({ token: "ann" });
  client.watch({ projects: ["p"] });
  client.vote("p", "up");
  const vote = await next("/api/votes");
  expect(vote.token).toBe("ann");
  client.signIn("ben");
  vote.answer(answered("up", 1, 10));
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ ownVote: null, pending: false });
});

test("a vote whose token is refused after somebody else has signed in is not cast as theirs", async () => {
  const { client, clock, calls, next } = setUp({ token: "ann" });
  client.vote("p", "up");
  const vote = await next("/api/votes");
  client.signIn("ben");
  vote.answer({ title: "Unauthorized" }, 401);
  await clock.pass(10_000);
  expect(calls.map(({ path, token }) => `${path} ${token}`)).toEqual(["/api/votes/user?project_ids=p ben"]);
  expect(client.project("p").get()).toMatchObject({ ownVote: null, error: null });
});

test("where a refused token makes the page sign in anew, the vote is cast with the new one, and shown", async () => {
  const { client, clock, next } = setUp();
  client.signIn(async (refused) => {
    if (refused !== null) client.signIn("new guest");
    return refused === null ? "old guest" : "new guest";
  });
  client.vote("p", "up");
  (await next("/api/votes")).answer({ title: "Unauthorized" }, 401);
  const vote = await next("/api/votes");
  expect(vote.token).toBe("new guest");
  vote.answer(answered("up", 1, 10));
  (await next("/api/votes/user")).answer({ data: { votes: { p: "up" } } });
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ ownVote: "up", pending: false });
});

test("own votes that were asked for as somebody else are dropped", async () => {
  const { client, clock, next } = setUp({ token: "ann" });
  client.watch({ projects: ["p"] });
  await clock.pass(POLL_AFTER_MS);
  (await next("/api/projects?ids=p")).answer(listed(3, 5));
  const asked = await next("/api/votes/user");
  client.signIn("ben");
  asked.answer({ data: { votes: { p: "up" } } });
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ upvotes: 3, ownVote: null });
  await clock.pass(5_000);
  (await next("/api/projects?ids=p")).answer(listed(3, 5));
  const own = await next("/api/votes/user");
  expect(own.token).toBe("ben");
  own.answer({ data: { votes: { p: "down" } } });
  await clock.pass(0);
  expect(client.project("p").get()?.ownVote).toBe("down");
});

test("a vote nobody answered may have counted: the own vote is asked for, not guessed", async () => {
  const { client, clock, calls, next } = setUp({ token: "ann" });
  client.vote("p", "up");
  for (let tries = 0; tries < 4; tries++) {
    (await next("/api/votes")).fail();
    await clock.pass(4_000);
  }
  expect(client.project("p").get()).toMatchObject({ ownVote: null, error: { status: null } });
  const own = await next("/api/votes/user?project_ids=p");
  own.answer({ data: { votes: { p: "up" } } });
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ ownVote: "up", error: { status: null } });
  expect(calls).toEqual([]);
});

test("a token that cannot be had keeps nobody from watching, and what everybody may read is asked without one", async () => {
  const { client, clock, next } = setUp({ token: () => Promise.reject(new Error("the account service is away")) });
  client.watch({ projects: ["p"] });
  await clock.pass(POLL_AFTER_MS);
  const read = await next("/api/projects?ids=p");
  expect(read.token).toBeNull();
  read.answer(listed(3, 5));
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ upvotes: 3 });
  expect(client.connection.get()).toBe("polling");
});

test("counts a page was rendered with are what it is taken over with, whatever was heard since", async () => {
  const { client, clock, next } = setUp();
  client.prime([{ id: "p", ...counts(3, 5) }]);
  const rendered = client.project("p").get();
  client.watch({ projects: ["p"] });
  await clock.pass(POLL_AFTER_MS);
  (await next("/api/projects?ids=p")).answer(listed(4, 6));
  await clock.pass(0);
  expect(client.project("p").get()).toMatchObject({ upvotes: 4 });
  expect(client.project("p").initial?.()).toBe(rendered);
});
