import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ADVISORY_LOCKS } from "@votesync/core";
import { tryAdvisoryLock } from "@votesync/postgres-store";
import { TestLaunchStores } from "./final-day.testing.js";
import { BackupMismatchError } from "./finalize-day.js";
import { recoverVotes } from "./recover-votes.js";
import { BackupsRemovedError, DayLockedError, DayNotFinalError, SealMismatchError } from "./repair-errors.js";

const VOTES = { alpha: 5, beta: 3, gamma: 3, delta: 0 };

let stores: TestLaunchStores;

beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

const recover = (date: string, o: { names?: string[]; dryRun?: boolean } = {}) =>
  recoverVotes(stores, {
    date,
    appIds: o.names?.map((name) => stores.appId(date, name)),
    dryRun: o.dryRun ?? false,
  });
const setApp = (date: string, name: string, $set: Record<string, unknown>) =>
  stores.collection("launch_apps").updateOne({ _id: stores.key(date, name) }, { $set });
const setBackup = (date: string, name: string, $set: Record<string, unknown>) =>
  stores.collection("vote_backups").updateOne({ _id: stores.key(date, name) }, { $set });

test("a day as it was made needs nothing", async () => {
  const date = await stores.finalDay(VOTES);
  const before = await stores.everything(date);
  expect(await recover(date)).toEqual({ success: true, recovered: 0, apps: [], missing: [] });
  expect(await stores.everything(date)).toEqual(before);
});

test.each<[string, Record<string, unknown>]>([
  ["the count", { likes: 99 }],
  ["a count that is no number", { likes: "many" }],
  ["the rank", { rank: 1 }],
  ["since when it had its votes", { reachedAt: new Date(0) }],
  ["the name", { name: "Beta, the winner" }],
  ["the owner", { ownerId: "mallory" }],
  ["the app's id", { appId: "somebody-else" }],
  ["the date, so that the day does not show it", { launchDate: "2030-01-01" }],
  ["when it became final", { finalizedAt: null }],
  ["a field that nobody here writes", { votes: 1_000 }],
])("%s, changed by hand, is put right", async (_what, change) => {
  const date = await stores.finalDay(VOTES);
  const before = await stores.everything(date);
  await setApp(date, "beta", change);
  const likes = "likes" in change ? change.likes : 3;
  const changed = { appId: stores.appId(date, "beta"), before: typeof likes === "number" ? likes : null, after: 3 };
  expect(await recover(date)).toEqual({ success: true, recovered: 1, apps: [changed], missing: [] });
  expect(await stores.everything(date)).toEqual(before);
});

test("lost records are made again, all of the day at once", async () => {
  const date = await stores.finalDay(VOTES);
  const before = await stores.everything(date);
  await stores.collection("launch_apps").deleteMany({ launchDate: date });
  const { recovered, apps } = await recover(date);
  expect(recovered).toBe(4);
  expect(apps.map(({ before: was, after }) => [was, after])).toEqual([
    [null, 5],
    [null, 3],
    [null, 3],
    [null, 0],
  ]);
  expect(await stores.everything(date)).toEqual(before);
});

test("only the apps asked for are put right; those nobody knows are missing", async () => {
  const date = await stores.finalDay(VOTES);
  await setApp(date, "alpha", { likes: 1 });
  await setApp(date, "beta", { likes: 1 });
  const alpha = { appId: stores.appId(date, "alpha"), before: 1, after: 5 };
  const missing = [stores.appId(date, "ghost")];
  expect(await recover(date, { names: ["alpha", "ghost"] })).toEqual({
    success: false,
    recovered: 1,
    apps: [alpha],
    missing,
  });
  expect((await recover(date)).apps).toEqual([{ appId: stores.appId(date, "beta"), before: 1, after: 3 }]);
});

test("a dry run says what would be changed, and changes nothing", async () => {
  const date = await stores.finalDay(VOTES);
  await setApp(date, "beta", { likes: 99, votes: 1 });
  await stores.collection("launch_apps").deleteOne({ _id: stores.key(date, "alpha") });
  const tampered = await stores.everything(date);
  const told = await recover(date, { dryRun: true });
  expect(told.recovered).toBe(2);
  expect(await stores.everything(date)).toEqual(tampered);
  expect(await recover(date)).toEqual(told);
});

test("who is flushed stays flushed and who is not is not, until the flush of the day is done", async () => {
  const date = await stores.endedDay(VOTES);
  await stores.finalize(date);
  await setApp(date, "alpha", { votingFlushed: true, likes: 1 });
  await setApp(date, "beta", { likes: 1 });
  await stores.collection("launch_apps").deleteOne({ _id: stores.key(date, "gamma") });
  await recover(date);
  const flushed = async () => {
    const records = await stores.collection("launch_apps").find({ launchDate: date }).sort({ _id: 1 }).toArray();
    return records.map(({ name, votingFlushed }) => [name, votingFlushed]);
  };
  expect(await flushed()).toEqual([
    ["alpha", true],
    ["beta", false],
    ["delta", false],
    ["gamma", false],
  ]);
  await stores.flush(date);
  await setApp(date, "beta", { votingFlushed: false });
  await stores.collection("launch_apps").deleteOne({ _id: stores.key(date, "gamma") });
  expect((await recover(date)).recovered).toBe(2);
  expect((await flushed()).map(([, is]) => is)).toEqual([true, true, true, true]);
});

test("apps without a backup are named and left as they are, the others are put right", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.collection("vote_backups").deleteOne({ _id: stores.key(date, "alpha") });
  await setApp(date, "alpha", { likes: 1 });
  await setApp(date, "beta", { likes: 1 });
  const beta = { appId: stores.appId(date, "beta"), before: 1, after: 3 };
  expect(await recover(date)).toEqual({
    success: false,
    recovered: 1,
    apps: [beta],
    missing: [stores.appId(date, "alpha")],
  });
  const left = await stores.collection("launch_apps").findOne({ _id: stores.key(date, "alpha") });
  expect(left?.likes).toBe(1);
});

test.each<[string, Record<string, unknown>]>([
  ["another count", { votes: 9 }],
  ["another rank", { rank: 1 }],
  ["a time that is none", { reachedAt: "yesterday" }],
  ["another checksum", { checksum: "0".repeat(64) }],
  ["another date", { launchDate: "2030-01-01" }],
])("a backup with %s is refused by name, and nothing is written", async (_what, change) => {
  const date = await stores.finalDay(VOTES);
  await setBackup(date, "beta", change);
  await setApp(date, "alpha", { likes: 1 });
  const tampered = await stores.everything(date);
  await expect(recover(date)).rejects.toEqual(new BackupMismatchError([stores.appId(date, "beta")]));
  expect(await stores.everything(date)).toEqual(tampered);
  // Others, asked for by name, do not suffer from it.
  expect((await recover(date, { names: ["alpha"] })).recovered).toBe(1);
});

test("results that are not those that were sealed are refused, wherever they were changed", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.collection("launch_finalizations").updateOne({ _id: date }, { $set: { seal: "f".repeat(64) } });
  await expect(recover(date)).rejects.toThrow(SealMismatchError);

  const other = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launch_days SET seal = $2 WHERE launch_date = $1", [other, "f".repeat(64)]);
  await expect(recover(other)).rejects.toThrow(SealMismatchError);

  const changed = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launches SET votes = 9 WHERE launch_date = $1 AND name = 'beta'", [changed]);
  await expect(recover(changed)).rejects.toThrow(BackupMismatchError);
});

test("a day that is not final, or whose backups are gone, says so; one without launches has nothing to recover", async () => {
  const ended = await stores.endedDay(VOTES);
  await expect(recover(ended)).rejects.toEqual(new DayNotFinalError(ended));
  const old = await stores.finalDay(VOTES);
  const removedAt = new Date();
  await stores.archive.removeBackups(old, removedAt);
  await expect(recover(old)).rejects.toEqual(new BackupsRemovedError(old, removedAt));
  const empty = stores.nextDate();
  expect(await recover(empty, { names: ["ghost"] })).toEqual({
    success: false,
    recovered: 0,
    apps: [],
    missing: [stores.appId(empty, "ghost")],
  });
});

test("while somebody else is at work on the day it waits, but not for ever", async () => {
  const date = await stores.finalDay({ alpha: 1 });
  const locked = () => expect(recover(date)).rejects.toEqual(new DayLockedError(date));
  const object = Number(date.replaceAll("-", ""));
  await tryAdvisoryLock(stores.pool, ADVISORY_LOCKS.launchDay, object, locked);
  expect((await recover(date)).success).toBe(true);
}, 20_000);
