/** Launch days with real processes, in launches of seconds: what counts is when a vote was taken, never when a job ran. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { votesyncWith } from "./command-line.js";
import { Installation, postJson, postVote } from "./installation.js";
import {
  adminToken,
  finalize,
  type Launch,
  misplacedEvents,
  readDay,
  readHealth,
  register,
  TestMongo,
  untilFinal,
  votesByTime,
  votesOf,
} from "./launches.js";
import { expectEveryChangeKept, expectSameCounters, expectVerified, VoteLoad } from "./vote-load.js";

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let other: ServiceProcess;
let load: VoteLoad | undefined;
const finalizers: ServiceProcess[] = [];
let dates = 0;
let mongoAddress: { MONGO_URL: string };

beforeAll(async () => {
  mongo = await TestMongo.create();
  mongoAddress = { MONGO_URL: mongo.url };
  installation = await Installation.create({
    ...mongoAddress,
    VOTE_RATE_MAX: "0",
    FINALIZE_DELAY_MS: "0",
    FINALIZE_SWEEP_MS: "200",
  });
  [api, other] = await Promise.all([
    installation.start("vote-api"),
    installation.start("vote-api"),
    installation.start("vote-worker"),
  ]);
});
afterEach(async () => {
  await load?.stop();
  await Promise.all(finalizers.splice(0).map((finalizer) => finalizer.kill9()));
});
afterAll(async () => {
  await installation.remove();
  await mongo.remove();
});

async function startFinalizer(): Promise<ServiceProcess> {
  const finalizer = await installation.start("finalizer");
  finalizers.push(finalizer);
  return finalizer;
}

/** Some votes are taken within this time, on a busy machine too. */
const VOTING_MS = 5_000;
/** Long enough for a Redis to come back meanwhile, and to be trusted again. */
const REDIS_BACK_MS = 15_000;

/** Apps of a day of its own, open between two moments from now. */
async function launchApps(names: string[], opensInMs: number, openMs: number, launchDate = nextDate()) {
  const opensAt = new Date(Date.now() + opensInMs);
  const closesAt = new Date(opensAt.getTime() + openMs);
  const launches: Launch[] = names.map((appId) => ({ appId, launchDate, opensAt, closesAt }));
  await Promise.all(launches.map((launch) => register(api, launch)));
  return launches;
}

const nextDate = () => `2024-03-${String(++dates).padStart(2, "0")}`;
const passed = (instant: Date) =>
  waitFor(`${instant.toISOString()} to pass`, () => Date.now() > instant.getTime(), 20_000);
const recover = async (date: string, more: object = {}) =>
  (await postJson(`${api.url}/api/launch/recover-votes`, await adminToken(), { date, ...more })) as {
    status: number;
    body: unknown;
  };
const vote = async (user: string, appId: string, wish = "up") =>
  postVote(api, await testToken(user), { project_id: appId, vote_type: wish });

test("votes go on across both instants while nobody finalizes; the result is what was voted between them", async () => {
  const apps = ["alpha", "beta", "gamma", "delta", "omega"];
  const launches = await launchApps(apps, 1_500, 6_000);
  const [{ launchDate, closesAt }] = launches as [Launch];
  load = new VoteLoad([api, other], apps, { wishes: ["up", "up", "none"], clients: 64 }).start();
  // By now the services are warm.
  await passed(new Date(closesAt.getTime() - 2_000));
  const rate = load.measureRate();
  await passed(closesAt);
  await load.more(2_000);
  const { answers, degraded } = load;
  console.info(`${Math.round(rate())} votes a second across the closing instant; ${degraded} of ${answers} past Redis`);
  // Nobody was there at the instant; votes ended the periods.
  expect((await readDay(api, launchDate)).status).toBe("closing");
  const closing = votesOf(await readDay(api, launchDate));
  await load.more(2_000);
  // It starts sooner when nobody takes all of the machine, and finds votes coming in all the same.
  await load.stop();
  await startFinalizer();
  load.start();
  const day = await untilFinal(api, launchDate);
  await load.stop();
  await installation.drained();

  const expected = await Promise.all(launches.map((launch) => votesByTime(installation, launch)));
  expect(votesOf(day)).toEqual(Object.fromEntries(apps.map((id, i) => [id, expected[i]])));
  expect(closing).toEqual(votesOf(day));
  expect(Math.max(...expected)).toBeGreaterThan(10);
  expect(await Promise.all(launches.map((launch) => misplacedEvents(installation, launch, 1)))).toEqual(
    apps.map(() => 0),
  );
  await expectEveryChangeKept(installation, load);
  await expectSameCounters(installation);
  await expectVerified(installation);
}, 240_000);

test("an app launched again starts at zero, and everybody may vote anew", async () => {
  const [first] = (await launchApps(["phoenix"], 0, VOTING_MS)) as [Launch];
  expect((await vote("ann", "phoenix")).body.data.upvotes).toBe(1);
  expect((await vote("bob", "phoenix")).body.data.upvotes).toBe(2);
  await passed(first.closesAt);
  // After the launch, before the next one: a period that counts nowhere.
  expect((await vote("ann", "phoenix")).body.data).toMatchObject({ upvotes: 1, action: "created" });
  await startFinalizer();
  expect(votesOf(await untilFinal(api, first.launchDate))).toEqual({ phoenix: 2 });

  const [second] = (await launchApps(["phoenix"], 500, VOTING_MS)) as [Launch];
  await passed(second.opensAt);
  expect(votesOf(await readDay(api, second.launchDate))).toEqual({ phoenix: 0 });
  expect((await vote("ann", "phoenix")).body.data).toMatchObject({ upvotes: 1, action: "created" });
  expect(votesOf(await untilFinal(api, second.launchDate))).toEqual({ phoenix: 1 });
  expect(votesOf(await readDay(api, first.launchDate))).toEqual({ phoenix: 2 });
});

test("launched again at the instant its last launch closed: votes since then count, though registered later", async () => {
  const [first] = (await launchApps(["comet"], 0, VOTING_MS)) as [Launch];
  await vote("ann", "comet");
  await passed(first.closesAt);
  expect((await vote("bob", "comet")).body.data).toMatchObject({ upvotes: 1 });
  const closesAt = new Date(Date.now() + VOTING_MS);
  const second = { appId: "comet", launchDate: nextDate(), opensAt: first.closesAt, closesAt };
  await register(api, second);
  expect(votesOf(await readDay(api, second.launchDate))).toEqual({ comet: 1 });
  expect((await vote("cem", "comet")).body.data).toMatchObject({ upvotes: 2 });
  await passed(closesAt);
  await startFinalizer();
  // The first day was not final yet.
  expect(votesOf(await untilFinal(api, first.launchDate))).toEqual({ comet: 1 });
  expect(votesOf(await untilFinal(api, second.launchDate))).toEqual({ comet: 2 });
  for (const launch of [first, second]) {
    const [shown] = (await readDay(api, launch.launchDate)).apps;
    expect(shown?.votes).toBe(await votesByTime(installation, launch));
  }
});

test("a project that is voted on already opens when it is launched: what was voted before is no part of it", async () => {
  const asked = new Date();
  await installation.createProjects(api, ["veteran"]);
  await Promise.all([vote("ann", "veteran"), vote("eva", "veteran"), vote("dan", "veteran", "down")]);
  const closesAt = new Date(Date.now() + VOTING_MS);
  const launch = await register(api, { appId: "veteran", launchDate: nextDate(), opensAt: asked, closesAt });
  expect(votesOf(await readDay(api, launch.launchDate))).toEqual({ veteran: 0 });
  expect((await vote("ann", "veteran")).body.data).toMatchObject({ upvotes: 1, action: "created" });
  expect((await vote("bob", "veteran")).body.data).toMatchObject({ upvotes: 2, action: "created" });
  expect((await vote("dan", "veteran", "down")).status).toBe(422);
  await passed(closesAt);
  await startFinalizer();
  expect(votesOf(await untilFinal(api, launch.launchDate))).toEqual({ veteran: 2 });
  expect(+launch.opensAt).toBeGreaterThan(+asked);
  expect(await votesByTime(installation, launch)).toBe(2);
  expect(await misplacedEvents(installation, launch, 1)).toBe(0);
});

test("a period that is over is over for every reader, though no vote and no job has ended it", async () => {
  const [launch] = (await launchApps(["quiet"], 0, VOTING_MS)) as [Launch];
  await vote("ann", "quiet");
  await passed(launch.closesAt);
  const project = (await (await fetch(`${other.url}/api/projects/quiet`)).json()) as { upvotes: number };
  expect(project.upvotes).toBe(0);
  expect(votesOf(await readDay(other, launch.launchDate))).toEqual({ quiet: 1 });
  const own = await fetch(`${other.url}/api/votes/user?project_ids=quiet`, {
    headers: { authorization: `Bearer ${await testToken("ann")}` },
  });
  expect(await own.json()).toMatchObject({ data: { votes: {} } });
});

test("two finalizers and two callers at once: one result, one backup per app", async () => {
  const apps = ["one", "two", "three", "four"];
  const [launch] = (await launchApps(apps, 0, VOTING_MS)) as [Launch];
  await Promise.all(apps.flatMap((id, i) => apps.slice(i).map((user) => vote(user, id))));
  await passed(launch.closesAt);
  const [, , ...answers] = await Promise.all([
    startFinalizer(),
    startFinalizer(),
    finalize(api, launch.launchDate),
    finalize(api, launch.launchDate),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const day = await untilFinal(api, launch.launchDate);
  expect(day.apps.map(({ appId, votes, rank }) => [appId, votes, rank])).toEqual([
    ["one", 4, 1],
    ["two", 3, 2],
    ["three", 2, 3],
    ["four", 1, 4],
  ]);
  expect(await mongo.collection("vote_backups").countDocuments({ launchDate: launch.launchDate })).toBe(4);
  expect((await finalize(api, launch.launchDate)).body).toMatchObject({
    success: true,
    updated: 0,
    alreadyFinal: 4,
    top3: ["one", "two", "three"],
    backupCreated: 0,
  });
});

test("likes written by hand are found by health, told by the seal, and mended by a recovery", async () => {
  const [launch] = (await launchApps(["honest", "other"], 0, VOTING_MS)) as [Launch, Launch];
  const { launchDate: date } = launch;
  await vote("ann", "honest");
  await startFinalizer();
  await untilFinal(api, date);
  expect(await readHealth(api, date)).toMatchObject({ status: "healthy", health: { issues: [] } });
  const { seal } = await readDay(api, date);
  const records = mongo.collection<{ likes: number }>("launch_apps");
  const isSealed = async () =>
    (await votesyncWith(installation, mongoAddress, "launch", "verify", "--date", date)).code;
  await records.updateOne({ _id: `${date}:honest` }, { $set: { likes: 999 } });

  expect(votesOf(await readDay(api, date)).honest).toBe(999);
  const found = await readHealth(api, date);
  expect(found).toMatchObject({ status: "issues_detected" });
  expect(found.health.issues.join()).toContain("honest");
  expect(await isSealed()).toBe(1);

  const mended = { success: true, recovered: 1, apps: [{ appId: "honest", before: 999, after: 1 }], missing: [] };
  expect((await recover(date, { dry_run: true })).body).toEqual(mended);
  expect(votesOf(await readDay(api, date)).honest).toBe(999);
  expect((await recover(date)).body).toEqual(mended);
  expect(await readDay(api, date)).toMatchObject({ seal, apps: [{ appId: "honest", votes: 1 }, { votes: 0 }] });
  expect((await readHealth(api, date)).status).toBe("healthy");
  expect(await isSealed()).toBe(0);

  const backups = mongo.collection<{ votes: number }>("vote_backups");
  await backups.updateOne({ _id: `${date}:honest` }, { $set: { votes: 5 } });
  await records.updateOne({ _id: `${date}:honest` }, { $set: { likes: 5 } });
  expect((await recover(date)).status).toBe(409);
  expect(votesOf(await readDay(api, date)).honest).toBe(5);
});

test("Redis away: down is refused all the same, and an app registered meanwhile opens and closes like any other", async () => {
  await launchApps(["uponly"], 0, 600_000);
  await installation.redisServer.kill9();
  expect((await vote("ann", "uponly", "down")).status).toBe(422);
  expect((await vote("ann", "uponly")).body.data).toMatchObject({ upvotes: 1, degraded: true });
  const [launch] = (await launchApps(["blind"], 0, REDIS_BACK_MS)) as [Launch];
  expect((await vote("ann", "blind")).body.data).toMatchObject({ upvotes: 1, degraded: true });
  await installation.redisServer.restart();
  const inRedis = await waitFor("a vote in Redis", async () => {
    const { body } = await vote("bob", "blind");
    return body.data.degraded !== true && body.data;
  });
  expect(inRedis.upvotes).toBe(2);
  await passed(launch.closesAt);
  expect((await vote("ann", "blind")).body.data).toMatchObject({ upvotes: 1, action: "created" });
  await startFinalizer();
  expect(votesOf(await untilFinal(api, launch.launchDate))).toEqual({ blind: 2 });
});
