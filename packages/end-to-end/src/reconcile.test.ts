/** Somebody changes counters by hand, under running services: they are repaired within a pass, and watchers are told. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io, type Socket } from "socket.io-client";
import { votesync } from "./command-line.js";
import { getJson, Installation, postJson, postVote } from "./installation.js";
import { expectSameCounters, settled } from "./vote-load.js";

const PROJECT = "reconciled";
/** The server gives up after 25 s. */
const ASKED_DEADLINE_MS = 40_000;
const INTERVAL = { SYNC_INTERVAL_MS: "200" };

let installation: Installation;
let api: ServiceProcess;
let schedulers: ServiceProcess[];
let socket: Socket;
const told: { upvotes: number; version: number; reason: string }[] = [];

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  await installation.start("vote-worker");
  schedulers = [
    await installation.start("sync-scheduler", INTERVAL),
    await installation.start("sync-scheduler", INTERVAL),
  ];
  const gateway = await installation.start("realtime-gateway");
  await installation.createProjects(api, [PROJECT]);
  for (const user of ["ann", "bob", "cem"]) expect((await vote(user)).status).toBe(200);
  socket = io(gateway.url, { transports: ["websocket"] });
  socket.on("vote:reconciled", (message) => told.push(message));
  await socket.timeout(30_000).emitWithAck("subscribe", { projects: [PROJECT] });
  await settled(installation);
});
afterAll(async () => {
  socket?.close();
  await installation.remove();
});

const vote = async (user: string, vote_type = "up") =>
  postVote(api, await testToken(user), { project_id: PROJECT, vote_type });

const shown = async () => (await getJson(`${api.url}/api/projects/${PROJECT}`)).body;

test("in Redis", async () => {
  await installation.redis.hset(installation.names.project(PROJECT), { upvotes: "41" });
  const message = await waitFor("watchers to be told", () => told.find(({ reason }) => reason === "redis-drift"));
  expect(message).toMatchObject({ upvotes: 3, downvotes: 0, voteCount: 3 });
  expect(await shown()).toMatchObject({ upvotes: 3 });
  await settled(installation);
  await expectSameCounters(installation);
});

test("in projects", async () => {
  await installation.query("UPDATE projects SET upvotes = 41 WHERE id = $1", [PROJECT]);
  const message = await waitFor("watchers to be told", () => told.find(({ reason }) => reason === "postgres-drift"));
  expect(message).toMatchObject({ upvotes: 3 });
  await settled(installation);
  await expectSameCounters(installation);
});

test("a row: the user's next vote starts from what the row says, or is set right by it", async () => {
  await installation.query("UPDATE votes SET vote_type = 'none' WHERE user_id = 'ann'");
  await vote("ann", "down");
  await waitFor("the row to count", async () => {
    await settled(installation);
    const { upvotes, downvotes } = await shown();
    return upvotes === 2 && downvotes === 1;
  });
  // Points follow from what transactions did to rows; of a row that was changed by hand they know nothing.
  expect((await votesync(installation, "sync", "restore")).code).toBe(0);
  expect(await votesync(installation, "votes", "verify", "--json")).toMatchObject({ code: 0 });
});

test("one scheduler killed: the other goes on", async () => {
  await schedulers[0]?.kill9();
  await installation.redis.hset(installation.names.project(PROJECT), { upvotes: "99" });
  await waitFor("Redis to be repaired", async () => (await shown()).upvotes === 2);
  // What a pass has repaired is counted once the pass is over.
  await waitFor("the repair to be counted", async () => {
    const metrics = await (await fetch(`${schedulers[1]?.url}/metrics`)).text();
    return /votesync_reconcile_drift_total\{store="redis",service="sync-scheduler"\} [1-9]/.test(metrics);
  });
});

test("with no scheduler at all: a pass asked for over HTTP waits, and is done by the next one that starts", async () => {
  await schedulers[1]?.kill9();
  await installation.redis.hset(installation.names.project(PROJECT), { upvotes: "77" });
  const token = await testToken("root", { role: "admin" });
  const asked = postJson(`${api.url}/api/votes/reconcile`, token, { project_ids: [PROJECT] }, {}, ASKED_DEADLINE_MS);
  await waitFor("the run to be listed", async () => {
    const { body } = await getJson(`${api.url}/api/votes/jobs`, token);
    const queues = (body as unknown as { queues: { queue: string; waiting: number }[] }).queues;
    return queues.some(({ queue, waiting }) => queue === "reconcile" && waiting === 1);
  });
  schedulers = [await installation.start("sync-scheduler", { SYNC_INTERVAL_MS: "3600000" })];
  // A scheduler that took long to start is not waited for; then the answer says how to ask again.
  const { status, body } = await asked;
  expect([200, 202]).toContain(status);
  const runId = (body as unknown as { run_id: string }).run_id;
  const run = await waitFor("the pass to be done", async () => {
    const now = (await getJson(`${api.url}/api/votes/reconcile/${runId}`, token)).body;
    return now.state === "completed" && now;
  });
  expect(run).toMatchObject({ report: { compared: 1 } });
  if (status === 200) expect(body).toMatchObject({ state: "completed", report: { compared: 1 } });
  expect(await shown()).toMatchObject({ upvotes: 2 });
  expect((await postJson(`${api.url}/api/votes/reconcile`, await testToken("ann"), {})).status).toBe(403);
});

test("the command line finds a quiet project's drift, repairs it, and says so by its exit codes", async () => {
  await settled(installation);
  // Rows and the audit log differ since a row was changed by hand above; that user's next vote mended it.
  expect(await votesync(installation, "votes", "verify", "--json")).toMatchObject({ code: 0 });
  await installation.redis.zrem(installation.names.changed(installation.names.shardOf(PROJECT)), PROJECT);
  await installation.redis.hset(installation.names.project(PROJECT), { upvotes: "55" });
  await installation.query("UPDATE projects SET downvotes = 8 WHERE id = $1", [PROJECT]);

  const found = await votesync(installation, "votes", "verify");
  expect(found.code).toBe(1);
  expect(found.stdout).toContain(PROJECT);
  expect(await votesync(installation, "votes", "verify", "--repair")).toMatchObject({ code: 0 });
  expect(await shown()).toMatchObject({ upvotes: 2, downvotes: 1 });
  expect(await votesync(installation, "votes", "reconcile", "--full", "--json")).toMatchObject({ code: 0 });
  for (const wrong of [["verify", "--project", "not an id"], ["rebuild-cache", "--shard", "x"], ["nonsense"]]) {
    expect(await votesync(installation, "votes", ...wrong)).toMatchObject({ code: 2 });
  }
});

test("replay finds a row that the audit log does not say, and leaves nothing behind", async () => {
  expect(await votesync(installation, "votes", "replay", "--json")).toMatchObject({ code: 0 });
  await installation.query("UPDATE votes SET vote_type = 'down' WHERE user_id = 'bob'");
  const { code, stdout } = await votesync(installation, "votes", "replay", "--json");
  expect({ code, differences: JSON.parse(stdout).differences }).toEqual({
    code: 1,
    differences: [{ projectId: PROJECT, period: 0, userId: "bob", row: "down", event: "up" }],
  });
  await installation.query("UPDATE votes SET vote_type = 'up' WHERE user_id = 'bob'");
  expect(await installation.query("SELECT FROM pg_namespace WHERE nspname LIKE 'votesync%'")).toEqual([]);
});

test("Redis reads its projects anew while votes go on: none is lost", async () => {
  const voters = Array.from({ length: 40 }, (_, i) => `voter ${i}`);
  const rebuilding = votesync(installation, "votes", "rebuild-cache", "--json");
  for (const voter of voters) expect((await vote(voter)).status).toBe(200);
  expect(await rebuilding).toMatchObject({ code: 0, stdout: '{"rebuilt":1}\n' });
  await settled(installation);
  expect(await shown()).toMatchObject({ upvotes: 2 + voters.length });
  expect(await votesync(installation, "votes", "verify", "--json")).toMatchObject({ code: 0 });
});
