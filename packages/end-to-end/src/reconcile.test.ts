/** Somebody changes counters by hand, under running services: they are repaired within a pass, and watchers are told. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io, type Socket } from "socket.io-client";
import { getJson, Installation, postJson } from "./installation.js";
import { expectSameCounters, settled } from "./vote-load.js";

const PROJECT = "reconciled";
const INTERVAL = { SYNC_INTERVAL_MS: "200" };

let installation: Installation;
let api: ServiceProcess;
let schedulers: ServiceProcess[];
let socket: Socket;
const told: { upvotes: number; version: number; reason: string }[] = [];

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0", HTTP_RATE_MAX: "0", HTTP_USER_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  await installation.start("vote-worker");
  schedulers = [
    await installation.start("sync-scheduler", INTERVAL),
    await installation.start("sync-scheduler", INTERVAL),
  ];
  const gateway = await installation.start("realtime-gateway");
  await installation.createProjects(api, [PROJECT]);
  for (const user of ["ann", "bob", "cem"]) await vote(user);
  socket = io(gateway.url, { transports: ["websocket"] });
  socket.on("vote:reconciled", (message) => told.push(message));
  await socket.timeout(10_000).emitWithAck("subscribe", { projects: [PROJECT] });
  await settled(installation);
});
afterAll(async () => {
  socket?.close();
  await installation.remove();
});

const vote = async (user: string, vote_type = "up") =>
  postJson(`${api.url}/api/votes`, await testToken(user), { project_id: PROJECT, vote_type });

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
  await expectSameCounters(installation);
});

test("one scheduler killed: the other goes on", async () => {
  await schedulers[0]?.kill9();
  await installation.redis.hset(installation.names.project(PROJECT), { upvotes: "99" });
  await waitFor("Redis to be repaired", async () => (await shown()).upvotes === 2);
  const metrics = await (await fetch(`${schedulers[1]?.url}/metrics`)).text();
  expect(metrics).toMatch(/votesync_reconcile_drift_total\{store="redis",service="sync-scheduler"\} [1-9]/);
});
