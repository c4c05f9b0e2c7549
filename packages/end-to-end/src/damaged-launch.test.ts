/** Somebody writes over keys of a launch day's apps in Redis. The day is finalized all the same, and right. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postVote } from "./installation.js";
import { finalize, register, TestMongo, untilFinal, votesByTime, votesOf } from "./launches.js";
import { expectSameCounters, settled } from "./vote-load.js";

const DATE = "2024-05-01";
const APPS = ["sound", "broken-hash", "broken-votes"];
const OPEN_MS = 5_000;

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ MONGO_URL: mongo.url, VOTE_RATE_MAX: "0" });
  [api] = await Promise.all([installation.start("vote-api"), installation.start("vote-worker")]);
}, 120_000);
afterAll(async () => {
  await installation.remove();
  await mongo.remove();
});

const vote = async (user: string, project_id: string) =>
  postVote(api, await testToken(user), { project_id, vote_type: "up" });

test("of three apps one has a damaged hash and one a damaged hash of votes: all counts are those of the rows", async () => {
  const opensAt = new Date();
  const closesAt = new Date(opensAt.getTime() + OPEN_MS);
  const launches = await Promise.all(
    APPS.map((appId) => register(api, { appId, launchDate: DATE, opensAt, closesAt })),
  );
  for (const [i, app] of APPS.entries()) {
    for (let user = 0; user <= i; user++) expect((await vote(`user-${user}`, app)).status).toBe(200);
  }
  const { redis, names } = installation;
  await redis.set(names.project("broken-hash"), "nonsense");
  const period = await redis.hget(names.project("broken-votes"), "period");
  await redis.set(names.votes("broken-votes", Number(period)), "nonsense");
  await waitFor("the day to be over", () => Date.now() > closesAt.getTime(), OPEN_MS + 5_000);

  await installation.start("finalizer");
  expect((await finalize(api, DATE)).status).toBe(200);
  const expected = await Promise.all(launches.map((launch) => votesByTime(installation, launch)));
  expect(votesOf(await untilFinal(api, DATE))).toEqual(Object.fromEntries(APPS.map((id, i) => [id, expected[i]])));
  expect(expected.every((votes) => votes > 0)).toBe(true);
  for (const app of APPS) expect((await vote("late", app)).status).toBe(200);
  await settled(installation);
  await expectSameCounters(installation);
}, 200_000);
