/** Who may register what for which day, and what launch days say to wrong questions. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testToken } from "@votesync/testkit";
import { postJson } from "./installation.js";
import { adminToken, readDay, TestMongo, votesOf } from "./launches.js";
import { MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

/** Registered days are far away: nothing here waits for one to end. */
const DAY = "2090-05-01";
const NAME = "Rocket";

let target: WrongInputTarget;
let mongo: TestMongo;
let admin: string;
beforeAll(async () => {
  mongo = await TestMongo.create();
  target = await WrongInputTarget.start({ MONGO_URL: mongo.url, LAUNCH_TIMEZONE: "America/New_York" });
  admin = await adminToken();
});
afterAll(async () => {
  await target.remove();
  await mongo.remove();
});

const JSON_TYPE = { "Content-Type": "application/json" };
const registering = (body: string) =>
  target.asUser({ method: "POST", path: "/api/launch/apps", headers: JSON_TYPE, body });
const registeringAsAdmin = (body: string) => {
  const headers = { ...JSON_TYPE, Authorization: `Bearer ${admin}` };
  return { method: "POST", path: "/api/launch/apps", headers, body };
};
const fields = (more: object) => JSON.stringify({ name: NAME, launchDate: DAY, ...more });
const register = async (token: string, body: object) =>
  postJson(`${target.api.url}/api/launch/apps`, token, { name: NAME, launchDate: DAY, ...body });

const INSTANTS = { opensAt: "2090-05-01T10:00:00Z", closesAt: "2090-05-01T11:00:00Z" };
const WRONG_APPS: [what: string, body: string, errorsAt: string[]][] = [
  ["null", "null", [""]],
  ["no name", JSON.stringify({ launchDate: DAY }), ["name"]],
  ["a name of two lines", fields({ name: `a\n${MARK}` }), ["name"]],
  ["no date", JSON.stringify({ name: NAME }), ["launchDate"]],
  ["a date that is no string", fields({ launchDate: 20_900_501 }), ["launchDate"]],
  ["a date with a time", fields({ launchDate: `${DAY}T00:00:00Z` }), ["launchDate"]],
  ["the 30th of February", fields({ launchDate: "2090-02-30" }), ["launchDate"]],
  ["a month 13", fields({ launchDate: "2090-13-01" }), ["launchDate"]],
  ["a date of five digits", fields({ launchDate: "12090-01-01" }), ["launchDate"]],
  ["an id with a slash", fields({ appId: `${MARK}/x` }), ["appId"]],
  ["votes of its own", fields({ votes: 999 }), ["votes"]],
  ["opensAt alone", fields({ opensAt: INSTANTS.opensAt }), ["closesAt"]],
  ["closesAt before opensAt", fields({ opensAt: INSTANTS.closesAt, closesAt: INSTANTS.opensAt }), ["closesAt"]],
  ["an instant without an offset", fields({ ...INSTANTS, opensAt: "2090-05-01T10:00:00" }), ["opensAt"]],
  ["an instant that is a number", fields({ ...INSTANTS, closesAt: 3_797_233_200_000 }), ["closesAt"]],
];

describe("a wrong app is answered 400, says where, and takes part in nothing", () => {
  test.each(WRONG_APPS)("%s", async (_, body, errorsAt) => {
    await target.refuses(registeringAsAdmin(body), { status: 400, errorsAt });
  });
});

test("a day that is over, and instants of one's own, are for admins", async () => {
  await target.refuses(registering(fields({ launchDate: "2020-01-15" })), { status: 403 });
  await target.refuses(registering(fields(INSTANTS)), { status: 403 });
  expect((await register(admin, { appId: "past", launchDate: "2020-01-15" })).status).toBe(201);
  expect((await register(admin, { appId: "instants", ...INSTANTS })).status).toBe(201);
});

test("an app is a project nobody votes against, and says so", async () => {
  expect((await register(await testToken("ann"), { appId: "listed" })).status).toBe(201);
  const answer = await fetch(`${target.api.url}/api/projects?ids=listed,${PROJECT}`);
  const { projects } = (await answer.json()) as { projects: { id: string; up_only: boolean }[] };
  expect(projects.map(({ id, up_only }) => [id, up_only])).toEqual([
    ["listed", true],
    [PROJECT, false],
  ]);
});

test("a day is that of the configured zone", async () => {
  const answer = await register(await testToken("ann"), { appId: "zoned" });
  expect(answer.body).toMatchObject({
    appId: "zoned",
    launchDate: DAY,
    opensAt: "2090-05-01T04:00:00.000Z",
    closesAt: "2090-05-02T04:00:00.000Z",
    votes: 0,
  });
  expect(await mongo.collection("launch_apps").findOne({ _id: `${DAY}:zoned` })).toMatchObject({
    appId: "zoned",
    name: NAME,
    launchDate: DAY,
    likes: 0,
    votingFlushed: false,
  });
});

test("an id belongs to its owner, a launch that is not over is in the way, and nothing is registered twice", async () => {
  const [ann, bob] = [await testToken("ann"), await testToken("bob")];
  expect((await register(ann, { appId: "mine" })).status).toBe(201);
  expect((await register(ann, { appId: "mine" })).status).toBe(409);
  expect((await register(ann, { appId: "mine", launchDate: "2090-06-01" })).status).toBe(409);
  expect((await register(bob, { appId: "mine", launchDate: "2090-06-01" })).status).toBe(409);
  expect((await register(bob, { appId: PROJECT })).status).toBe(409);
  const day = await readDay(target.api, DAY);
  expect(day.apps.filter(({ appId }) => appId === "mine" || appId === PROJECT)).toHaveLength(1);
});

test("ten at once for one id: one takes part", async () => {
  const ann = await testToken("ann");
  const answers = await Promise.all(Array.from({ length: 10 }, () => register(ann, { appId: "race" })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
});

test("votes before a launch opens are taken, and do not count in it; down is refused", async () => {
  const ann = await testToken("ann");
  expect((await register(ann, { appId: "early" })).status).toBe(201);
  const vote = (vote_type: string) => postJson(`${target.api.url}/api/votes`, ann, { project_id: "early", vote_type });
  expect((await vote("up")).body.data).toMatchObject({ upvotes: 1, action: "created" });
  const day = await readDay(target.api, DAY);
  expect(votesOf(day)).toMatchObject({ early: 0 });
  expect(day.status).toBe("open");
  await target.refuses(target.vote(JSON.stringify({ project_id: "early", vote_type: "down" })), { status: 422 });
  expect((await vote("none")).body.data).toMatchObject({ upvotes: 0, action: "removed" });
});

const WRONG_DATES = ["2090-02-30", "90-05-01", "today", "2090-05-01T00:00:00Z", "", "2090-05-01,2090-05-02"];

test.each(WRONG_DATES)("GET /api/launch?date=%s is answered 400", async (date) => {
  await target.refuses({ path: `/api/launch?date=${date}` }, { status: 400, errorsAt: ["date"] });
});

test("a date given twice, and other questions, are answered 400", async () => {
  await target.refuses({ path: `/api/launch?date=${DAY}&date=${DAY}` }, { status: 400, errorsAt: ["date"] });
  await target.refuses({ path: "/api/launch?day=1" }, { status: 400, errorsAt: ["day"] });
});

test("a day on which nothing was launched is empty", async () => {
  expect(await readDay(target.api, "2090-07-07")).toEqual({ date: "2090-07-07", status: "open", seal: null, apps: [] });
  expect(await readDay(target.api, "2020-07-07")).toMatchObject({ status: "final", apps: [] });
});

const finalizing = (body: string, token = admin) => ({
  method: "POST",
  path: "/api/launch/finalize",
  headers: { ...JSON_TYPE, Authorization: `Bearer ${token}` },
  body,
});

test("only an admin ends a day, only one that is over, and only one there is", async () => {
  await target.refuses(finalizing(JSON.stringify({ date: DAY }), target.token), { status: 403 });
  await target.refuses(finalizing(JSON.stringify({ date: DAY })), { status: 409 });
  await target.refuses(finalizing(JSON.stringify({ date: "2090-07-07" })), { status: 409 });
  await target.refuses(finalizing(JSON.stringify({ date: "2090-02-30" })), { status: 400, errorsAt: ["date"] });
  await target.refuses(finalizing("{}"), { status: 400, errorsAt: ["date"] });
  await target.refuses({ method: "GET", path: "/api/launch/finalize" }, { status: 405 });
});
