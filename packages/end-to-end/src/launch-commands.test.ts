/** `votesync launch …` as an operator runs it, on real processes: a day is ended, tampered with, found out and mended. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { votesyncWith } from "./command-line.js";
import { Installation, postVote } from "./installation.js";
import { readDay, register, TestMongo, votesOf } from "./launches.js";

const DATE = "2024-05-01";
const OPEN_DATE = "2024-05-03";
/** Two registrations and three votes are done by then. */
const OPEN_MS = 6_000;

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let finalizer: ServiceProcess;

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ MONGO_URL: mongo.url, FINALIZE_DELAY_MS: "86400000" });
  [api, finalizer] = await Promise.all([
    installation.start("vote-api"),
    installation.start("finalizer"),
    installation.start("vote-worker"),
  ]);
});
afterAll(async () => {
  await installation.remove();
  await mongo.remove();
});

const launch = (...args: string[]) => votesyncWith(installation, { MONGO_URL: mongo.url }, "launch", ...args);
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await launch(...args, "--json");
  if (stdout === "") throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as Record<string, unknown> };
};

test("a day is ended, tampered with, found out and mended, by commands alone", async () => {
  const opensAt = new Date();
  const closesAt = new Date(opensAt.getTime() + OPEN_MS);
  for (const appId of ["alpha", "beta"]) await register(api, { appId, launchDate: DATE, opensAt, closesAt });
  for (const [voter, appId] of [
    ["ann", "alpha"],
    ["bob", "alpha"],
    ["ann", "beta"],
  ] as const) {
    expect((await postVote(api, await testToken(voter), { project_id: appId, vote_type: "up" })).status).toBe(200);
  }
  for (const command of ["recover", "verify"]) {
    const { code, stderr } = await launch(command, "--date", DATE);
    expect([code, stderr]).toEqual([1, `votesync: ${DATE} is not final\n`]);
  }

  await waitFor("the launches to close", () => Date.now() > closesAt.getTime());
  const overdue = await json("health", "--date", DATE, "--overdue-after", "0");
  expect([overdue.code, overdue.report.status]).toEqual([1, "issues_detected"]);
  expect(await json("finalize", "--date", DATE)).toMatchObject({
    code: 0,
    report: { updated: 2, top3: ["alpha", "beta"] },
  });
  expect(await json("finalize", "--date", DATE)).toMatchObject({ code: 0, report: { updated: 0, alreadyFinal: 2 } });
  await waitFor("the day to be healthy", async () => (await launch("health", "--date", DATE)).code === 0, 60_000);
  expect(await json("verify", "--date", DATE)).toMatchObject({ code: 0, report: { valid: true, apps: 2 } });

  const _id = `${DATE}:beta`;
  await mongo.collection("launch_apps").updateOne({ _id }, { $set: { likes: 50, rank: 1 } });
  expect(votesOf(await readDay(api, DATE))).toEqual({ alpha: 2, beta: 50 });
  const health = await launch("health", "--date", DATE);
  expect([health.code, health.stdout]).toEqual([1, expect.stringContaining("beta (likes, rank)")]);
  const seal = await launch("verify", "--date", DATE);
  expect([seal.code, seal.stdout]).toEqual([1, expect.stringContaining("are NOT those sealed")]);

  const changed = { success: true, recovered: 1, apps: [{ appId: "beta", before: 50, after: 1 }], missing: [] };
  expect(await json("recover", "--date", DATE, "--dry-run")).toEqual({ code: 0, report: changed });
  expect(votesOf(await readDay(api, DATE))).toEqual({ alpha: 2, beta: 50 });
  expect((await json("recover", "--date", DATE, "--app", "alpha")).report.recovered).toBe(0);
  expect(await json("recover", "--date", DATE)).toEqual({ code: 0, report: changed });
  expect(votesOf(await readDay(api, DATE))).toEqual({ alpha: 2, beta: 1 });
  expect((await launch("verify", "--date", DATE)).code).toBe(0);

  const missing = await launch("recover", "--date", DATE, "--app", "ghost");
  expect([missing.code, missing.stdout]).toEqual([1, expect.stringContaining("ghost: no backup")]);
}, 240_000);

test("a day that is not over is not ended", async () => {
  const [opensAt, closesAt] = [new Date(), new Date(Date.now() + 3_600_000)];
  await register(api, { appId: "gamma", launchDate: OPEN_DATE, opensAt, closesAt });
  const early = await launch("finalize", "--date", OPEN_DATE);
  expect([early.code, early.stderr]).toEqual([1, `votesync: ${OPEN_DATE} is not over\n`]);
});

test("without a finalizer the command does not wait for ever", async () => {
  await finalizer.kill9();
  const { code, stderr } = await launch("finalize", "--date", "2024-05-02", "--timeout", "1");
  expect([code, stderr]).toEqual([1, expect.stringContaining("was not finalized within 1 s")]);
});

test.each([
  [["finalize"]],
  [["recover", "--date", "2024-02-30"]],
  [["health", "--date", "yesterday"]],
  [["recover", "--date", DATE, "--app", "a/b"]],
  [["verify", "--date", DATE, "--no-such-option"]],
])("%j is misuse: exit code 2, and it says why", async (args) => {
  const { code, stderr } = await launch(...args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: /)]);
});

test("without MONGO_URL, or when it leads nowhere, it fails and says so", async () => {
  const health = ["launch", "health", "--date", DATE];
  const unset = await votesyncWith(installation, { DATA_DIR: "/nonexistent" }, ...health);
  expect([unset.code, unset.stderr]).toEqual([1, expect.stringContaining("MONGO_URL: is not set")]);
  const nowhere = { MONGO_URL: "mongodb://127.0.0.1:1/none" };
  const away = await votesyncWith(installation, nowhere, ...health, "--json");
  expect([away.code, JSON.parse(away.stdout).status]).toEqual([1, "error"]);
});

test("migrating makes MongoDB's indexes; without MongoDB it says that it did not, and votes can be taken", async () => {
  const indexes = async () => (await mongo.collection("launch_apps").indexes()).map(({ key }) => key);
  expect(await indexes()).not.toContainEqual({ launchDate: 1, _id: 1 });
  expect((await votesyncWith(installation, { MONGO_URL: mongo.url }, "migrate")).code).toBe(0);
  expect(await indexes()).toContainEqual({ launchDate: 1, _id: 1 });
  const away = await votesyncWith(installation, { MONGO_URL: "mongodb://127.0.0.1:1/none" }, "migrate");
  expect([away.code, away.stderr]).toEqual([0, expect.stringContaining("indexes were not made")]);
});
