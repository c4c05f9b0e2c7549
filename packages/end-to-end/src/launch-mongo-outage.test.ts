/**
 * MongoDB away for a minute when a launch day ends. How long that is, the finalizer says itself: it counts for how long the
 * day has been due.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BreakableLink, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postVote } from "./installation.js";
import {
  type Launch,
  misplacedEvents,
  readDay,
  register,
  TestMongo,
  untilFinal,
  votesByTime,
  votesOf,
} from "./launches.js";

const REFUSED_SECONDS = 30;
const AWAY_SECONDS = 60;
const DATE = "2024-04-01";
const APPS = ["patient", "calm"];

let mongo: TestMongo;
let link: BreakableLink;
let installation: Installation;
let api: ServiceProcess;
let finalizer: ServiceProcess;

beforeAll(async () => {
  mongo = await TestMongo.create();
  link = await BreakableLink.to(mongo.url);
  installation = await Installation.create({
    MONGO_URL: link.url(mongo.url),
    FINALIZE_DELAY_MS: "0",
    FINALIZE_SWEEP_MS: "1000",
  });
  [api, finalizer] = await Promise.all([
    installation.start("vote-api"),
    installation.start("finalizer"),
    installation.start("vote-worker"),
  ]);
});
afterAll(async () => {
  await installation.remove();
  await link.cut();
  await mongo.remove();
});

const vote = async (user: string, appId: string) =>
  (await postVote(api, await testToken(user), { project_id: appId, vote_type: "up" })).body.data;

async function figure(name: string): Promise<number> {
  const text = await (await fetch(`${finalizer.url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "m").exec(text)?.[1]);
}

const waitingFor = (seconds: number) =>
  waitFor(
    `the day to be due for ${seconds} s`,
    async () => (await figure("votesync_launch_waiting_seconds")) >= seconds,
    seconds * 1_000 + 60_000,
  );

test("a day that ends while MongoDB is away for 60 s waits for it, and is what was voted in time", async () => {
  const opensAt = new Date();
  const closesAt = new Date(opensAt.getTime() + 6_000);
  const launches: Launch[] = APPS.map((appId) => ({ appId, launchDate: DATE, opensAt, closesAt }));
  await Promise.all(launches.map((launch) => register(api, launch)));
  await vote("ann", "patient");
  await vote("bob", "patient");
  await vote("ann", "calm");

  await link.cut();
  await waitingFor(0.001);
  // Of the next period, though nobody has counted this one.
  expect(await vote("bob", "calm")).toMatchObject({ upvotes: 1, action: "created" });
  await waitingFor(REFUSED_SECONDS);
  const refused = await waitFor("tries that failed", () => figure("votesync_launch_failures_total"));
  // From here on it is not refusing but silent.
  await link.restore();
  link.freeze();
  await waitingFor(AWAY_SECONDS);
  expect(await figure("votesync_launch_failures_total")).toBeGreaterThan(refused);
  expect((await readDay(api, DATE)).status).toBe("closing");
  expect(votesOf(await readDay(api, DATE))).toEqual({ patient: 2, calm: 1 });
  expect(await mongo.collection("vote_backups").countDocuments()).toBe(0);

  await link.cut();
  await link.restore();
  const day = await untilFinal(api, DATE);
  await installation.drained();
  const expected = await Promise.all(launches.map((launch) => votesByTime(installation, launch)));
  expect(votesOf(day)).toEqual({ patient: expected[0], calm: expected[1] });
  expect(expected).toEqual([2, 1]);
  expect(await Promise.all(launches.map((launch) => misplacedEvents(installation, launch, 1)))).toEqual([0, 0]);
  expect(await mongo.collection("vote_backups").countDocuments()).toBe(APPS.length);
  await waitFor("nothing to be waited for", async () => (await figure("votesync_launch_waiting_seconds")) === 0);
}, 240_000);
