/**
 * The end of a launch day, killed at every point there is: between any two steps and inside each. Whoever takes it up
 * afterwards comes to what it would have come to anyway.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { FINALIZE_POINTS, FLUSH_POINTS } from "@votesync/launch";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postJson } from "./installation.js";
import { type Launch, readDay, register, TestMongo, votesByTime } from "./launches.js";

const SCRIPT = fileURLToPath(new URL("../fixtures/finalize-once.mjs", import.meta.url));
const POINTS = [...FINALIZE_POINTS, ...FLUSH_POINTS];
const APPS_PER_DAY = 3;
const VOTERS = 4;
const OPEN_MS = 6_000;

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
const days = new Map<string, Launch[]>();

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ MONGO_URL: mongo.url });
  [api] = await Promise.all([installation.start("vote-api"), installation.start("vote-worker")]);
  const opensAt = new Date();
  const closesAt = new Date(opensAt.getTime() + OPEN_MS);
  for (const [i] of POINTS.entries()) {
    const launchDate = `2024-02-${String(i + 1).padStart(2, "0")}`;
    const appIds = Array.from({ length: APPS_PER_DAY }, (_, app) => `${launchDate}-${app}`);
    const launches = appIds.map((appId) => ({ appId, launchDate, opensAt, closesAt }));
    await Promise.all(launches.map((launch) => register(api, launch)));
    await Promise.all(launches.map((launch, app) => voteFor(launch, (i + app) % VOTERS)));
    days.set(launchDate, launches);
  }
  await installation.drained();
  await waitFor("the launches to close", () => Date.now() > closesAt.getTime(), OPEN_MS);
});
afterAll(async () => {
  await installation.remove();
  await mongo.remove();
});

async function voteFor({ appId }: Launch, voters: number): Promise<void> {
  for (let voter = 0; voter < voters; voter++) {
    const vote = { project_id: appId, vote_type: "up" };
    const { status } = await postJson(`${api.url}/api/votes`, await testToken(`voter-${voter}`), vote);
    expect(status).toBe(200);
  }
}

interface Run {
  signal: NodeJS.Signals | null;
  report: { success: boolean; updated: number; alreadyFinal: number; top3: string[] } | null;
}

async function finalizeOnce(date: string, crashAt?: string): Promise<Run> {
  const addresses = { ...installation.addresses, MONGO_URL: mongo.url };
  const env = { PATH: process.env.PATH, ...addresses, DATE: date, ...(crashAt ? { CRASH_AT: crashAt } : {}) };
  const child = spawn(process.execPath, [SCRIPT], { env, timeout: 60_000, killSignal: "SIGTERM" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal === null && code !== 0) throw new Error(`the child failed:\n${output}`);
  return { signal, report: signal === null ? JSON.parse(output) : null };
}

const counts = (date: string) =>
  Promise.all(
    ["launch_apps", "vote_backups"].map((name) => mongo.collection(name).countDocuments({ launchDate: date })),
  );

test.each(POINTS.map((point, i) => [point, `2024-02-${String(i + 1).padStart(2, "0")}`]))(
  "killed %s, the day comes out as if nothing had happened",
  async (point, date) => {
    const launches = days.get(date) as Launch[];
    const expected = await Promise.all(launches.map((launch) => votesByTime(installation, launch)));
    const total = expected.reduce((sum, votes) => sum + votes, 0);

    expect(await finalizeOnce(date, point)).toEqual({ signal: "SIGKILL", report: null });
    const { report } = await finalizeOnce(date);
    expect(report?.success).toBe(true);
    expect((report?.updated ?? 0) + (report?.alreadyFinal ?? 0)).toBe(APPS_PER_DAY);

    const day = await readDay(api, date);
    const shown = new Map(day.apps.map((app) => [app.appId, app]));
    expect(launches.map(({ appId }) => shown.get(appId)?.votes)).toEqual(expected);
    expect(day.status).toBe("final");
    expect(day.apps.map(({ appId }) => appId).slice(0, 3)).toEqual(report?.top3);
    expect(day.apps.every(({ votingFlushed }) => votingFlushed)).toBe(true);

    expect(await counts(date)).toEqual([APPS_PER_DAY, APPS_PER_DAY]);
    const backups = await mongo.collection("vote_backups").find({ launchDate: date }).sort({ _id: 1 }).toArray();
    expect(backups.map(({ votes, originalLikes }) => [votes, originalLikes])).toEqual(
      expected.map((votes) => [votes, 0]),
    );
    const finalization = await mongo.collection("launch_finalizations").findOne({ _id: date });
    expect(finalization).toMatchObject({ phase: "final", totalVotes: total, apps: APPS_PER_DAY, lastError: null });
    expect(finalization?.seal).toBe(day.seal);
    expect(await heldVotes(launches)).toEqual([]);

    expect((await finalizeOnce(date)).report).toMatchObject({ updated: 0, alreadyFinal: APPS_PER_DAY });
  },
);

/** Hashes of who voted what in a period that is over. */
async function heldVotes(launches: Launch[]): Promise<string[]> {
  const keys = launches.map(({ appId }) => installation.names.votes(appId, 1));
  const found = await Promise.all(keys.map((key) => installation.redis.exists(key)));
  return keys.filter((_, i) => found[i] === 1);
}
