import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TestLaunchStores } from "./final-day.testing.js";
import { checkVoteHealth, OVERDUE_AFTER_MS, type VoteHealthReport } from "./vote-health.js";
import type { VoteSource } from "./vote-source.js";

const VOTES = { alpha: 5, beta: 3, gamma: 0 };
const RECOVER = /votesync launch recover --date \d/;

let stores: TestLaunchStores;

beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

const check = (date: string, o: { nowMs?: number; dayEndsAtMs?: number } = {}) =>
  checkVoteHealth(stores, { date, nowMs: Date.now(), overdueAfterMs: OVERDUE_AFTER_MS, ...o });
const setApp = (date: string, name: string, $set: Record<string, unknown>) =>
  stores.collection("launch_apps").updateOne({ _id: stores.key(date, name) }, { $set });
const setDay = (date: string, $set: Record<string, unknown>) =>
  stores.collection("launch_finalizations").updateOne({ _id: date }, { $set });

/** Exactly one issue, of these words, with a recommendation of those. */
function expectIssue({ status, health }: VoteHealthReport, issue: RegExp, recommendation: RegExp): void {
  expect([status, health.issues, health.recommendations]).toEqual([
    "issues_detected",
    [expect.stringMatching(issue)],
    [expect.stringMatching(recommendation)],
  ]);
}

const SOUND = { totalLaunchedApps: 3, finalizedApps: 3, unflushedApps: 0, backupRecords: 3 };
const NOTHING_WRONG = { issues: [], recommendations: [] };

test("a day as it was made is healthy, with what it holds", async () => {
  const date = await stores.finalDay(VOTES);
  expect(await check(date)).toEqual({ status: "healthy", health: { date, ...SOUND, ...NOTHING_WRONG } });
});

test("a day on which nothing was launched is healthy, with zeros", async () => {
  const date = stores.nextDate();
  const none = { totalLaunchedApps: 0, finalizedApps: 0, unflushedApps: 0, backupRecords: 0 };
  expect(await check(date)).toEqual({ status: "healthy", health: { date, ...none, ...NOTHING_WRONG } });
});

test("a day is overdue when it should have been final for a while, and not while it takes apps", async () => {
  const date = await stores.endedDay(VOTES);
  const endedAtMs = Date.parse(`${date}T00:00:00Z`) + 86_400_000;
  expect((await check(date, { nowMs: endedAtMs + OVERDUE_AFTER_MS })).status).toBe("healthy");
  expect((await check(date, { dayEndsAtMs: Date.now() })).status).toBe("healthy");
  expectIssue(await check(date), /is not final: nobody has begun with it/, /launch finalize --date/);

  await stores.archive.takeUp(date, new Date());
  await stores.archive.recordError(date, "find", "no space left", new Date());
  expectIssue(
    await check(date),
    /is not final: tried once, next step "find", last error: no space left/,
    /launch finalize --date/,
  );
});

test("votes that were not flushed are told, with how often it was tried and why it failed", async () => {
  const date = await stores.endedDay(VOTES);
  await stores.finalize(date);
  const first = await check(date);
  expect(first.health).toMatchObject({ finalizedApps: 3, unflushedApps: 3 });
  expectIssue(first, /Votes of .*alpha.* are not flushed: pending, tried 0 times/, /asks again by itself/);

  const broken: VoteSource = {
    name: "external",
    count: async () => ({ countedAt: new Date() }),
    flush: async () => Promise.reject(new Error("the source is on fire")),
  };
  await expect(stores.flush(date, broken, true)).rejects.toThrow("on fire");
  expectIssue(await check(date), /failed, tried once, last error: the source is on fire/, /EXTERNAL_VOTES_URL/);

  await stores.flush(date);
  expect((await check(date)).status).toBe("healthy");
  await setApp(date, "alpha", { votingFlushed: false });
  const unmarked = await check(date);
  expect(unmarked.health.unflushedApps).toBe(1);
  expectIssue(unmarked, /not marked as flushed, though the flush is done/, RECOVER);
});

test("a flush that is pending for long is told, though every app is marked", async () => {
  const date = await stores.finalDay(VOTES);
  await setDay(date, { "flush.state": "pending", "flush.requestedAt": new Date(Date.now() - 1_000) });
  expect((await check(date)).status).toBe("healthy");
  expectIssue(await check(date, { nowMs: Date.now() + OVERDUE_AFTER_MS }), /not flushed: pending/, /finalizer runs/);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["count", { likes: 99 }, /beta \(likes\)/],
  ["rank", { rank: 1 }, /beta \(rank\)/],
  ["name", { name: "Winner" }, /beta \(name\)/],
  ["date", { launchDate: "2030-01-01" }, /beta \(launchDate\)/],
  ["state", { finalizedAt: null }, /beta \(finalizedAt\)/],
  ["field by hand", { votes: 12 }, /beta \(votes\)/],
])("a record with another %s is named, with the field", async (_what, change, told) => {
  const date = await stores.finalDay(VOTES);
  await setApp(date, "beta", change);
  expectIssue(await check(date), told, RECOVER);
});

test("records that are lost are named, and those of no launch are told apart", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.collection("launch_apps").deleteOne({ _id: stores.key(date, "beta") });
  const lost = await check(date);
  expect(lost.health.finalizedApps).toBe(2);
  expectIssue(lost, /Records of .*beta are lost/, RECOVER);

  const other = await stores.finalDay(VOTES);
  await stores.collection("launch_apps").insertOne({ _id: `${other}:stray`, appId: "stray", launchDate: other });
  expectIssue(await check(other), /Records of stray are shown/, /deleteOne\(\{_id: ".*:stray"\}\)/);
});

test("of many apps twenty are named and the others counted", async () => {
  const date = await stores.finalDay(Object.fromEntries(Array.from({ length: 23 }, (_, i) => [`app${i}`, 0])));
  await stores.collection("launch_apps").deleteMany({ launchDate: date });
  expectIssue(await check(date), /^Records of ([^,]+, ){19}[^,]+ and 3 more are lost\.$/, RECOVER);
});

test("backups that are missing, changed, or of no launch are named; after their time nobody misses them", async () => {
  const date = await stores.finalDay(VOTES);
  const backups = stores.collection("vote_backups");
  await backups.deleteOne({ _id: stores.key(date, "alpha") });
  const missing = await check(date);
  expect(missing.health.backupRecords).toBe(2);
  expectIssue(missing, /Backups of .*alpha are missing/, /launch verify --date/);
  await stores.archive.removeBackups(date, new Date());
  expect((await check(date)).status).toBe("healthy");

  for (const change of [{ votes: 9 }, { checksum: "0" }, { reachedAt: "x" }, { launchDate: "2030-01-01" }]) {
    const other = await stores.finalDay(VOTES);
    await backups.updateOne({ _id: stores.key(other, "beta") }, { $set: change });
    expectIssue(await check(other), /Backups of .*beta are not what was counted/, /recovery refuses/);
  }
  const stray = await stores.finalDay(VOTES);
  await backups.insertOne({ _id: `${stray}:stray`, appId: "stray", launchDate: stray, votes: 1 });
  expectIssue(await check(stray), /Backups of stray are not what was counted/, /recovery refuses/);
});

test("results that PostgreSQL's own rows or counters contradict are told with all they say", async () => {
  const date = await stores.finalDay(VOTES);
  const alpha = stores.appId(date, "alpha");
  await stores.pool.query("DELETE FROM votes WHERE project_id = $1 AND user_id = 'voter-1'", [alpha]);
  const told = /alpha \(result 5, counter 5, at the instant 5, rows 4\)/;
  expectIssue(await check(date), told, /votesync votes verify/);
});

test("a result changed in PostgreSQL shows everywhere: rows, records, backups, seal", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launches SET votes = 4 WHERE launch_date = $1 AND name = 'alpha'", [date]);
  const { status, health } = await check(date);
  expect(status).toBe("issues_detected");
  expect(health.issues).toEqual([
    expect.stringContaining("result 4, counter 5"),
    expect.stringContaining("Records do not say what was counted"),
    expect.stringContaining("Backups of"),
    expect.stringContaining("The seal in PostgreSQL and in MongoDB"),
  ]);
  expect(health.recommendations).toHaveLength(4);
});

test("a launch without a result on a final day is told", async () => {
  const date = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launches SET votes = NULL WHERE launch_date = $1 AND name = 'gamma'", [date]);
  const { health } = await check(date);
  expect(health.issues).toContainEqual(expect.stringMatching(/gamma stand among the launches .* without a result/));
});

test("a seal that is not that of the results is told, and where; so is a day that MongoDB has forgotten", async () => {
  const date = await stores.finalDay(VOTES);
  await setDay(date, { seal: "f".repeat(64) });
  expectIssue(await check(date), /The seal in MongoDB is not/, /launch verify --date/);

  const other = await stores.finalDay(VOTES);
  await stores.pool.query("UPDATE launch_days SET seal = NULL WHERE launch_date = $1", [other]);
  expectIssue(await check(other), /The seal in PostgreSQL is not/, /launch verify --date/);

  const forgotten = await stores.finalDay(VOTES);
  await stores.collection("launch_finalizations").deleteOne({ _id: forgotten });
  expectIssue(await check(forgotten), /not in MongoDB any more/, /launch_finalizations/);
});

test.each([
  ["its hash", (id: string) => stores.names.project(id)],
  ["its votes", (id: string) => stores.names.votes(id, 1)],
])("an app with damage to %s is named until the day is final", async (_what, keyOf) => {
  const date = await stores.endedDay(VOTES);
  const overdueAfterMs = Number.MAX_SAFE_INTEGER;
  const look = () => checkVoteHealth(stores, { date, nowMs: Date.now(), overdueAfterMs });
  expect((await look()).status).toBe("healthy");
  const id = stores.appId(date, "beta");
  await stores.redis.hset(stores.names.project(id), { version: 1, period: 1 });
  await stores.redis.set(keyOf(id), "nonsense");
  expectIssue(await look(), new RegExp(`something else under the keys of ${id}\\.`), /rebuild-cache --project/);
  await stores.finalize(date);
  await stores.flush(date);
  expect((await look()).status).toBe("healthy");
});

test("a store that cannot be read is named, and what the other says is there all the same", async () => {
  const date = await stores.finalDay(VOTES);
  const options = { date, nowMs: Date.now(), overdueAfterMs: OVERDUE_AFTER_MS };
  const { redis, names, pool, archive } = stores;

  const away = await TestLaunchStores.create();
  await away.remove();
  const withoutMongo = await checkVoteHealth({ redis, names, pool, archive: away.archive }, options);
  expect(withoutMongo).toMatchObject({
    status: "error",
    health: { totalLaunchedApps: 3, finalizedApps: 0, issues: [expect.stringMatching(/^MongoDB cannot be read: /)] },
  });
  const withoutPostgres = await checkVoteHealth({ redis, names, pool: away.pool, archive }, options);
  expect(withoutPostgres).toMatchObject({
    status: "error",
    health: { totalLaunchedApps: 0, finalizedApps: 3, issues: [expect.stringMatching(/^PostgreSQL cannot be read: /)] },
  });
});
