/**
 * Two replicas, one cut off from Redis: what a voter wishes at the one and then at the other ends as the last wish, whichever
 * store took it, and gives the owner no point too many. An Idempotency-Key acts once over both.
 */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BreakableLink, type ServiceProcess, testToken } from "@votesync/testkit";
import { getJson, Installation, type JsonAnswer, postJson, untilTaken } from "./installation.js";
import { expectPointsSynced, pointsInRedis } from "./point-truth.js";
import { expectSameCounters, expectVerified, settled } from "./vote-load.js";

const PROJECT = "divided";

let installation: Installation;
let link: BreakableLink;
let near: ServiceProcess;
let far: ServiceProcess;
let worker: ServiceProcess;

beforeEach(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  link = await BreakableLink.to(installation.redisServer.url);
  [near, far, worker] = await Promise.all([
    installation.start("vote-api"),
    installation.start("vote-api", { REDIS_URL: link.url(installation.redisServer.url) }),
    installation.start("vote-worker"),
    installation.start("sync-scheduler"),
  ]);
  await installation.createProjects(near, [PROJECT]);
});
afterEach(async () => {
  await installation.remove();
  await link.cut();
});

const send = async (
  api: ServiceProcess,
  user: string,
  vote_type: string,
  key = randomUUID() as string,
  project_id = PROJECT,
) => {
  const vote = { project_id, vote_type };
  const token = await testToken(user);
  return untilTaken(() => postJson(`${api.url}/api/votes`, token, vote, { "idempotency-key": key }));
};
const isReplayed = ({ headers }: JsonAnswer) => headers.get("idempotency-replayed") === "true";
const standing = async () => {
  const rows = await installation.query<{ user_id: string; vote_type: string }>("SELECT user_id, vote_type FROM votes");
  return Object.fromEntries(rows.map(({ user_id, vote_type }) => [user_id, vote_type]));
};
const ownVote = async (user: string) => {
  const { body } = await getJson(`${near.url}/api/votes/user?project_ids=${PROJECT}`, await testToken(user));
  return (body.data as unknown as { votes: Record<string, string> }).votes[PROJECT] ?? null;
};
/** Everything is the same everywhere, in counters and points. */
async function expectEverythingSettled(): Promise<void> {
  await settled(installation);
  await expectSameCounters(installation);
  await expectVerified(installation);
  await expectPointsSynced(installation);
}

test("a wish past Redis and then another in Redis: the later one stands, also where Redis sees no change", async () => {
  for (const user of ["back", "again", "turned"]) await send(near, user, user === "back" ? "none" : "up");
  await installation.drained();
  await link.cut();
  expect((await send(far, "back", "up")).body.data).toMatchObject({ degraded: true, action: "created" });
  expect((await send(near, "back", "none")).body.data).toMatchObject({ action: "unchanged", user_vote: null });
  expect((await send(far, "again", "none")).body.data).toMatchObject({ degraded: true, action: "removed" });
  expect((await send(near, "again", "up")).body.data).toMatchObject({ action: "unchanged", user_vote: "up" });
  // And the other way round: what is taken past Redis last stands as well.
  expect((await send(near, "turned", "down")).body.data).toMatchObject({ action: "changed" });
  expect((await send(far, "turned", "up")).body.data).toMatchObject({ degraded: true });
  await link.restore();
  await expectEverythingSettled();
  expect(await standing()).toMatchObject({ back: "none", again: "up", turned: "up" });
  expect(await ownVote("again")).toBe("up");
  expect(await pointsInRedis(installation)).toEqual({ owner: 2 });
});

test("the same wish in both stores gives its owner one point", async () => {
  await link.cut();
  for (let i = 0; i < 10; i++) {
    const [first, second] = i % 2 === 0 ? [near, far] : [far, near];
    expect((await send(first as ServiceProcess, `voter ${i}`, "up")).status).toBe(200);
    expect((await send(second as ServiceProcess, `voter ${i}`, "up")).status).toBe(200);
  }
  await link.restore();
  await expectEverythingSettled();
  expect(await pointsInRedis(installation)).toEqual({ owner: 10 });
});

test("a request that Redis took and whose reply was lost goes past it too, and is one vote and one point", async () => {
  // One each, because the second vote past Redis would hold the project first.
  const projects = Array.from({ length: 4 }, (_, i) => `${PROJECT}:${i}`);
  await installation.createProjects(near, projects);
  for (const project of projects) await send(far, "ann", "up", undefined, project);
  await settled(installation);
  process.kill(worker.pid, "SIGSTOP");
  link.loseReplies();
  for (const project of projects) {
    expect((await send(far, "bob", "up", undefined, project)).body.data).toMatchObject({ degraded: true, upvotes: 2 });
  }
  expect(await installation.waitingEvents()).toBeGreaterThan(0);
  process.kill(worker.pid, "SIGCONT");
  await link.cut();
  await link.restore();
  await expectEverythingSettled();
  const events = await installation.query("SELECT FROM vote_events WHERE user_id = 'bob'");
  expect(events).toHaveLength(projects.length);
  expect(await pointsInRedis(installation)).toEqual({ owner: 2 * projects.length });
});

test("a key that Redis answered is replayed past it, and one that was used past Redis is replayed in it", async () => {
  const first = await send(near, "ann", "up", "in Redis");
  await installation.drained();
  await link.cut();
  expect((await send(near, "ann", "none", "taken back")).body.data).toMatchObject({ action: "removed" });
  await installation.drained();
  const again = await send(far, "ann", "up", "in Redis");
  expect([again.status, isReplayed(again), again.body.data.request_id]).toEqual([
    200,
    true,
    first.body.data.request_id,
  ]);
  const past = await send(far, "bob", "up", "past Redis");
  expect([past.body.data.degraded, isReplayed(past)]).toEqual([true, false]);
  await link.restore();
  await settled(installation);
  for (const api of [near, far]) {
    const replay = await send(api, "bob", "up", "past Redis");
    expect([isReplayed(replay), replay.body.data.request_id]).toEqual([true, past.body.data.request_id]);
  }
  // A vote, because a replica that was cut off holds the project before it looks, and a replay loads nothing.
  expect((await send(near, "cem", "up")).status).toBe(200);
  await expectEverythingSettled();
  expect(await standing()).toEqual({ ann: "none", bob: "up", cem: "up" });
});

test("two clicks at once under one key, one at each replica, have one effect", async () => {
  await link.cut();
  const users = Array.from({ length: 20 }, (_, i) => `voter ${i}`);
  for (const user of users) {
    const key = `click of ${user}`;
    const answers = await Promise.all([send(near, user, "up", key), send(far, user, "up", key)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  }
  await link.restore();
  await expectEverythingSettled();
  expect(await standing()).toEqual(Object.fromEntries(users.map((user) => [user, "up"])));
  const acted = await installation.query(
    "SELECT user_id, count(*) FROM vote_events GROUP BY user_id HAVING count(*) <> 1",
  );
  expect(acted).toEqual([]);
  expect(await pointsInRedis(installation)).toEqual({ owner: users.length });
});
