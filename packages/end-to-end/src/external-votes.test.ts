/** A day whose votes another API counts and flushes; that API fails in every way. The result and its backup stand. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createVotesServer } from "@votesync/example-external-votes";
import { type ServiceProcess, waitFor } from "@votesync/testkit";
import { Installation } from "./installation.js";
import { readDay, readHealth, register, TestMongo, untilFinal, votesOf } from "./launches.js";

const SECRET = "a secret of two parties, long enough for both";
/** All apps of a day are registered by then. */
const OPEN_MS = 1_500;
const APPS = ["rocket", "teapot", "kettle"];

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let server: Server;
/** What the other API does with a flush; without it, what it should. */
let misbehave: RequestListener | null = null;
/** What it does with a question for counts. */
let miscount: RequestListener | null = null;
const votes = new Map<string, Map<string, number>>();

beforeAll(async () => {
  mongo = await TestMongo.create();
  const wellBehaved = createVotesServer(SECRET, votes);
  server = createServer((req, res) => {
    const instead = req.url === "/flush" ? misbehave : miscount;
    if (instead === null) wellBehaved.emit("request", req, res);
    else instead(req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  installation = await Installation.create({
    MONGO_URL: mongo.url,
    EXTERNAL_VOTES_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    EXTERNAL_VOTES_SECRET: SECRET,
    EXTERNAL_VOTES_TIMEOUT_MS: "300",
    FINALIZE_DELAY_MS: "0",
    FINALIZE_SWEEP_MS: "200",
  });
  [api] = await Promise.all([
    installation.start("vote-api"),
    installation.start("vote-worker"),
    installation.start("finalizer"),
  ]);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await installation.remove();
  await mongo.remove();
});

async function launchDay(launchDate: string): Promise<void> {
  votes.set(launchDate, new Map(APPS.map((name, i) => [`${launchDate}:${name}`, 30 - 10 * i])));
  const closesAt = new Date(Date.now() + OPEN_MS);
  const launch = { launchDate, opensAt: new Date(Date.now() - 1_000), closesAt };
  await Promise.all(APPS.map((name) => register(api, { ...launch, appId: `${launchDate}:${name}` })));
}

const resultOf = (date: string) => ({ [`${date}:rocket`]: 30, [`${date}:teapot`]: 20, [`${date}:kettle`]: 10 });
const flushOf = async (date: string) => {
  const day = await mongo.collection<{ flush: Flush | null }>("launch_finalizations").findOne({ _id: date });
  return day?.flush ?? null;
};
interface Flush {
  state: string;
  attempts: number;
  lastError: string | null;
}

interface Refusal {
  phase: string;
  message: string;
}

/** Why the day is not final. */
const refusal = (date: string, message: string) =>
  waitFor(`the day to be refused because ${message}`, async () => {
    const day = await mongo.collection<{ lastError: Refusal | null }>("launch_finalizations").findOne({ _id: date });
    return day?.lastError?.message.includes(message) && day.lastError;
  });

async function bodyOf(req: IncomingMessage): Promise<{ date: string; apps: { appId: string }[] }> {
  let text = "";
  for await (const chunk of req.setEncoding("utf8")) text += chunk;
  return JSON.parse(text);
}

const HALF_DONE: RequestListener = async (req, res) => {
  const { date, apps } = await bodyOf(req);
  res.end(JSON.stringify({ date, flushed: apps.slice(0, 1).map(({ appId }) => appId) }));
};

test.each<[what: string, date: string, flush: RequestListener, error: RegExp]>([
  ["fails", "2024-01-01", (_req, res) => res.writeHead(500).end(), /answered 500/],
  ["hangs", "2024-01-02", () => undefined, /cannot be reached: .*timeout/],
  ["answers garbage", "2024-01-03", (_req, res) => res.end("<html>"), /no JSON/],
  ["is half done", "2024-01-04", HALF_DONE, /has not flushed 2 apps/],
])("a flush that %s: the result and the backup stand, and a later try finishes it", async (_, date, flush, error) => {
  misbehave = flush;
  await launchDay(date);
  // Some tries may fail in another way: on a busy machine this server, too, answers late.
  const failed = await waitFor(`a flush that failed with ${error}`, async () => {
    const found = await flushOf(date);
    return error.test(found?.lastError ?? "") && found;
  });
  expect(failed).toMatchObject({ state: "pending" });
  const day = await waitFor("the day to be final", async () => {
    const found = await readDay(api, date);
    return found.status === "final" && found;
  });
  expect(votesOf(day)).toEqual(resultOf(date));
  expect(day.apps.filter(({ votingFlushed }) => votingFlushed)).toHaveLength(flush === HALF_DONE ? 1 : 0);
  const backups = await mongo.collection("vote_backups").find({ launchDate: date }).toArray();
  expect(Object.fromEntries(backups.map(({ appId, votes: count }) => [appId, count]))).toEqual(resultOf(date));

  const unwell = await waitFor(`health to tell of ${error}`, async () => {
    const found = await readHealth(api, date);
    return error.test(found.health.issues.join()) && found;
  });
  expect(unwell).toMatchObject({ status: "issues_detected", health: { finalizedApps: 3, backupRecords: 3 } });
  expect(unwell.health.issues).toHaveLength(1);

  misbehave = null;
  expect(votesOf(await untilFinal(api, date))).toEqual(resultOf(date));
  // The apps are marked first.
  const done = await waitFor("the flush to be done", async () => {
    const found = await flushOf(date);
    return found?.state === "done" && found;
  });
  expect(done).toMatchObject({ lastError: null });
  expect([...(votes.get(date) as Map<string, number>).values()]).toEqual([0, 0, 0]);
  expect(await readHealth(api, date)).toMatchObject({ status: "healthy", health: { unflushedApps: 0, issues: [] } });
});

test("counts that do not come, or do not name every app, are waited for: nobody is taken for zero", async () => {
  const date = "2024-01-05";
  miscount = (_req, res) =>
    res.end(
      JSON.stringify({ date, countedAt: new Date().toISOString(), votes: [{ appId: `${date}:rocket`, votes: 30 }] }),
    );
  await launchDay(date);
  expect(await refusal(date, "2 apps have no result")).toMatchObject({ phase: "snapshot" });
  expect((await readDay(api, date)).status).toBe("closing");
  expect(await mongo.collection("vote_backups").countDocuments({ launchDate: date })).toBe(0);
  miscount = null;
  const day = await untilFinal(api, date);
  expect(votesOf(day)).toEqual(resultOf(date));
  expect(await mongo.collection("launch_finalizations").findOne({ _id: date })).toMatchObject({ source: "external" });
});

test("counts from before the day was over are not taken: a cache may have kept them", async () => {
  const date = "2024-01-06";
  miscount = (_req, res) => {
    const counts = APPS.map((name) => ({ appId: `${date}:${name}`, votes: 1 }));
    res.end(JSON.stringify({ date, countedAt: "2024-01-06T12:00:00Z", votes: counts }));
  };
  await launchDay(date);
  expect(await refusal(date, "before the day was over")).toMatchObject({ phase: "snapshot" });
  miscount = null;
  expect(votesOf(await untilFinal(api, date))).toEqual(resultOf(date));
});
