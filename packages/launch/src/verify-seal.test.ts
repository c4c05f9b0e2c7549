import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TestLaunchStores } from "./final-day.testing.js";
import { DayNotFinalError } from "./repair-errors.js";
import { verifySeal } from "./verify-seal.js";

const VOTES = { alpha: 5, beta: 3 };
const FOREIGN = "f".repeat(64);

let stores: TestLaunchStores;

beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

const setApp = (date: string, name: string, $set: Record<string, unknown>) =>
  stores.collection("launch_apps").updateOne({ _id: stores.key(date, name) }, { $set });

test("a day as it was made is what was sealed, in both stores", async () => {
  const date = await stores.finalDay(VOTES);
  const report = await verifySeal(stores, date);
  expect(report).toMatchObject({ date, valid: true, apps: 2, differences: [] });
  expect(report.seal).toMatch(/^[0-9a-f]{64}$/);
  expect([report.archivedSeal, report.computed]).toEqual([report.seal, report.seal]);
});

test("whoever was changed is named, with what was counted and what is shown", async () => {
  const date = await stores.finalDay(VOTES);
  await setApp(date, "alpha", { likes: "lots", rank: 1 });
  await stores.collection("launch_apps").deleteOne({ _id: stores.key(date, "beta") });
  const { valid, seal, computed, apps, differences } = await verifySeal(stores, date);
  expect([valid, seal === computed, apps]).toEqual([false, false, 1]);
  expect(differences).toEqual([
    { appId: stores.appId(date, "alpha"), expected: { votes: 5, rank: 1 }, found: { votes: null, rank: 1 } },
    { appId: stores.appId(date, "beta"), expected: { votes: 3, rank: 2 }, found: null },
  ]);
});

test("a record of what was not launched breaks the seal", async () => {
  const date = await stores.finalDay(VOTES);
  const stray = { appId: "stray", launchDate: date, name: "Stray", likes: 1_000, rank: 1 };
  await stores.collection("launch_apps").insertOne({ _id: `${date}:stray`, ...stray });
  const { valid, differences } = await verifySeal(stores, date);
  expect(valid).toBe(false);
  expect(differences).toEqual([{ appId: "stray", expected: null, found: { votes: 1_000, rank: 1 } }]);
});

test("a seal that was changed in either store is told from the other", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.collection("launch_finalizations").updateOne({ _id: date }, { $set: { seal: FOREIGN } });
  const archived = await verifySeal(stores, date);
  expect(archived).toMatchObject({ valid: false, archivedSeal: FOREIGN, differences: [] });
  expect(archived.seal).toBe(archived.computed);

  const other = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launch_days SET seal = $2 WHERE launch_date = $1", [other, FOREIGN]);
  const kept = await verifySeal(stores, other);
  expect(kept).toMatchObject({ valid: false, seal: FOREIGN, differences: [] });
  expect(kept.archivedSeal).toBe(kept.computed);
});

test("results changed in every place but one are found by that one", async () => {
  const date = await stores.finalDay(VOTES);
  await setApp(date, "alpha", { likes: 6 });
  await stores.pool.query("UPDATE launches SET votes = 6 WHERE launch_date = $1 AND name = 'alpha'", [date]);
  expect(await verifySeal(stores, date)).toMatchObject({ valid: false, differences: [] });
});

test("there is nothing to prove before a day is final", async () => {
  const ended = await stores.endedDay(VOTES);
  await expect(verifySeal(stores, ended)).rejects.toEqual(new DayNotFinalError(ended));
  const empty = stores.nextDate();
  await expect(verifySeal(stores, empty)).rejects.toEqual(new DayNotFinalError(empty));
});
