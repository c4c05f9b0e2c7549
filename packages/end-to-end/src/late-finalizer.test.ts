/** Nobody finalizes for minutes after a day was over. Who asks for the result is told to come back, and it comes out the same. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, waitFor } from "@votesync/testkit";
import { getJson, Installation } from "./installation.js";
import {
  finalize,
  misplacedEvents,
  readDay,
  register,
  TestMongo,
  untilFinal,
  votesByTime,
  votesOf,
} from "./launches.js";
import { expectEveryChangeKept, expectSameCounters, VoteLoad } from "./vote-load.js";

const DATE = "2024-04-01";
const APPS = ["prompt", "tardy"];
const OPEN_MS = 10_000;
/** vote-api answers 202 after 30 s. */
const ASKED_TIMES = 4;

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let load: VoteLoad | undefined;

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ MONGO_URL: mongo.url, VOTE_RATE_MAX: "0" });
  [api] = await Promise.all([installation.start("vote-api"), installation.start("vote-worker")]);
}, 120_000);
afterAll(async () => {
  await load?.stop();
  await installation.remove();
  await mongo.remove();
});

test("two minutes late, the result is what was counted at the instant", async () => {
  const opensAt = new Date();
  const closesAt = new Date(opensAt.getTime() + OPEN_MS);
  const launches = await Promise.all(
    APPS.map((appId) => register(api, { appId, launchDate: DATE, opensAt, closesAt })),
  );
  load = new VoteLoad([api], APPS, { wishes: ["up", "up", "none"], clients: 4 }).start();
  await waitFor("the day to be over", () => Date.now() > closesAt.getTime(), OPEN_MS + 5_000);

  for (let asked = 0; asked < ASKED_TIMES; asked++) {
    await load.more(300);
    await load.stop();
    expect(await finalize(api, DATE)).toMatchObject({ status: 202, body: { date: DATE, status: "closing" } });
    load.start();
  }
  expect(Date.now() - closesAt.getTime()).toBeGreaterThan(ASKED_TIMES * 30_000);
  expect((await readDay(api, DATE)).status).toBe("closing");

  await installation.start("finalizer");
  const day = await untilFinal(api, DATE);
  await load.more(300);
  await load.stop();
  await installation.drained();
  const expected = await Promise.all(launches.map((launch) => votesByTime(installation, launch)));
  expect(votesOf(day)).toEqual(Object.fromEntries(APPS.map((id, i) => [id, expected[i]])));
  expect(Math.min(...expected)).toBeGreaterThan(0);
  for (const launch of launches) expect(await misplacedEvents(installation, launch, 1)).toBe(0);
  expect((await readDay(api, DATE)).seal).toBe(day.seal);
  const { body } = await getJson(`${api.url}/api/projects/prompt`);
  expect(body).toMatchObject({ up_only: true, downvotes: 0 });
  await expectEveryChangeKept(installation, load);
  await expectSameCounters(installation);
}, 400_000);
