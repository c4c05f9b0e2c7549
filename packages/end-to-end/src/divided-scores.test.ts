/** Points by hand while a store cannot be reached: refused ones are never given, and taken ones are on the board in the end. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BreakableLink, type ServiceProcess, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";
import { adminToken } from "./launches.js";
import { expectPointsSynced, pointsInRedis } from "./point-truth.js";

let installation: Installation;
let toRedis: BreakableLink;
let toPostgres: BreakableLink;
let api: ServiceProcess;

beforeEach(async () => {
  installation = await Installation.create();
  const { REDIS_URL, DATABASE_URL } = installation.addresses;
  [toRedis, toPostgres] = await Promise.all([BreakableLink.to(REDIS_URL), BreakableLink.to(DATABASE_URL)]);
  const through = { REDIS_URL: toRedis.url(REDIS_URL), DATABASE_URL: toPostgres.url(DATABASE_URL) };
  [api] = await Promise.all([installation.start("vote-api", through), installation.start("sync-scheduler")]);
});
afterEach(async () => {
  await Promise.all([toRedis.cut(), toPostgres.cut()]);
  await installation.remove();
});

const score = async (user_id: string, points: number) =>
  postJson(`${api.url}/api/leaderboard/scores`, await adminToken(), { user_id, points });
const isReady = async () => (await fetch(`${api.url}/statusz`)).status === 200;

test("without PostgreSQL points are refused, and never given", async () => {
  expect((await score("ann", 1)).status).toBe(200);
  await toPostgres.cut();
  for (const user of ["ann", "bob"]) expect((await score(user, 40)).status).toBe(503);
  await toPostgres.restore();
  await waitFor("vote-api to have both stores", isReady);
  // Whatever is given, is given in the order in which it was stored: nothing of before can come behind this.
  expect((await score("ann", 2)).status).toBe(200);
  await expectPointsSynced(installation);
  expect(await pointsInRedis(installation)).toEqual({ ann: 3 });
});

test("without Redis points are taken, nobody knows a place, and they are on the board once it is back", async () => {
  await toRedis.cut();
  const taken = await score("ann", 5);
  expect([taken.status, (taken.body as unknown as { places: unknown }).places]).toEqual([200, null]);
  await toRedis.restore();
  await waitFor("vote-api to have both stores", isReady);
  await expectPointsSynced(installation);
  expect(await pointsInRedis(installation)).toEqual({ ann: 5 });
  const { body } = await getJson(`${api.url}/api/leaderboard?period=daily`);
  expect((body as unknown as { entries: object[] }).entries).toMatchObject([{ user_id: "ann", points: 5 }]);
});

test("without Redis at all, that of the other services too, points are on the board once it is back", async () => {
  await installation.redisServer.kill9();
  const taken = await score("ann", 7);
  expect([taken.status, (taken.body as unknown as { places: unknown }).places]).toEqual([200, null]);
  await installation.redisServer.restart();
  await expectPointsSynced(installation);
  expect(await pointsInRedis(installation)).toEqual({ ann: 7 });
});
