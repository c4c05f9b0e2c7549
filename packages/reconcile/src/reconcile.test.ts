import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readCounts, readEvents, STREAM_START } from "@votesync/redis-store";
import { compareProjects } from "./compare-projects.js";
import { Reconciler } from "./reconcile.js";
import { adoptShard } from "./shard-trust.js";
import { TestStores } from "./stores.testing.js";
import { isClean } from "./verify/report.js";
import { verify } from "./verify.js";

const ID = "p";

let stores: TestStores;
let reconciler: Reconciler;
let shard: number;

beforeEach(async () => {
  stores = await TestStores.create();
  reconciler = new Reconciler(stores, stores.loader);
  shard = stores.names.shardOf(ID);
  await stores.createProject(ID);
  await adoptShard(stores, shard);
  for (const user of ["ann", "bob", "cem"]) await stores.cast(ID, user, "up");
  await stores.apply(ID);
});
afterEach(() => stores.remove());

const compare = async (countRows = false) => (await compareProjects(stores, { shard, projectIds: [ID], countRows }))[0];
const inRedis = async () => (await readCounts(stores.redis, stores.names, [ID])).get(ID);
const inPostgres = async () => (await stores.rows("SELECT upvotes, downvotes FROM projects"))[0];
const changed = () => stores.redis.zrange(stores.names.changed(shard), "0", "-1");

async function lastTold(): Promise<string | undefined> {
  const entries = await readEvents(stores.redis, stores.names, { shard, afterId: STREAM_START, count: 100 });
  return entries.at(-1)?.wire;
}

test("stores that agree are left alone, and the project is off the list", async () => {
  expect(await compare(true)).toMatchObject({ verdict: "same", rows: { upvotes: 3, downvotes: 0 } });
  expect(await changed()).toEqual([ID]);
  expect(await reconciler.passShard(shard)).toEqual({ compared: 1, repaired: [], waiting: 0 });
  expect(await changed()).toEqual([]);
});

test("votes that are not applied yet are no drift", async () => {
  await stores.cast(ID, "dan", "down");
  await stores.cast(ID, "ann", "none");
  expect(await compare(true)).toMatchObject({ verdict: "same", redis: { upvotes: 3, downvotes: 0 } });
});

test("counters changed by hand in Redis are those of the rows after one pass, and watchers are told", async () => {
  await stores.redis.hset(stores.names.project(ID), { upvotes: "41" });
  expect(await compare()).toMatchObject({ verdict: "drift", drift: ["redis"] });
  expect(await reconciler.passShard(shard)).toMatchObject({ repaired: [{ project_id: ID, drift: ["redis"] }] });
  expect(await inRedis()).toMatchObject({ upvotes: 3, downvotes: 0 });
  expect(await lastTold()).toContain("\nredis-drift\n");
  await stores.apply(ID);
  expect(await compare(true)).toMatchObject({ verdict: "same" });
});

test("counters changed by hand in Redis are seen behind votes that came after it, applied or not", async () => {
  await stores.redis.hset(stores.names.project(ID), { upvotes: "41" });
  await stores.cast(ID, "dan", "up");
  expect(await compare()).toMatchObject({ verdict: "drift", drift: ["redis"] });
  await stores.apply(ID);
  await reconciler.passShard(shard);
  expect(await inRedis()).toMatchObject({ upvotes: 4 });
});

test("counters changed by hand in PostgreSQL are those of the rows after one pass, and watchers are told", async () => {
  await stores.pool.query("UPDATE projects SET upvotes = 41, downvotes = 7");
  expect(await compare()).toMatchObject({ verdict: "drift", drift: ["postgres"] });
  expect(await reconciler.passShard(shard)).toMatchObject({ repaired: [{ project_id: ID, drift: ["postgres"] }] });
  expect(await inPostgres()).toEqual({ upvotes: 3, downvotes: 0 });
  expect(await lastTold()).toContain("\npostgres-drift\n");
});

test("both changed by hand, a quiet project: found by the rolling slice", async () => {
  await reconciler.passShard(shard);
  await stores.redis.hset(stores.names.project(ID), { upvotes: "5", downvotes: "9" });
  await stores.pool.query("UPDATE projects SET upvotes = 6");
  expect(await reconciler.passShard(shard)).toMatchObject({ compared: 0 });
  const { report, nextAfterId } = await reconciler.passSlice("", 10);
  expect(report.repaired).toEqual([{ project_id: ID, drift: ["redis", "postgres"] }]);
  expect(nextAfterId).toBe("");
  expect([await inRedis(), await inPostgres()]).toMatchObject([{ upvotes: 3 }, { upvotes: 3, downvotes: 0 }]);
});

test("a row changed by hand: all counters follow it, and the user's next vote starts from it", async () => {
  await stores.pool.query("UPDATE votes SET vote_type = 'down' WHERE user_id = 'ann'");
  await reconciler.passProjects([ID]);
  expect([await inRedis(), await inPostgres()]).toMatchObject([
    { upvotes: 2, downvotes: 1 },
    { upvotes: 2, downvotes: 1 },
  ]);
  expect(await stores.cast(ID, "ann", "up")).toMatchObject({ answer: { action: "changed", upvotes: 3, downvotes: 0 } });
});

test("a row changed by hand and not looked at: the user's next vote is found differing, and reconciled", async () => {
  await stores.pool.query("UPDATE votes SET vote_type = 'none' WHERE user_id = 'ann'");
  await stores.cast(ID, "ann", "down");
  await stores.apply(ID);
  await reconciler.passShard(shard);
  expect([await inRedis(), await inPostgres()]).toMatchObject([
    { upvotes: 2, downvotes: 1 },
    { upvotes: 2, downvotes: 1 },
  ]);
});

test("projects with votes on their way wait, and stay on the list", async () => {
  await stores.castPastRedis(ID, "dan", "up");
  expect(await compare()).toMatchObject({ verdict: "waiting" });
  expect(await reconciler.passShard(shard)).toEqual({ compared: 1, repaired: [], waiting: 1 });
  expect(await changed()).toEqual([ID]);
});

test("a vote that comes in while a project is looked at keeps it on the list", async () => {
  const pass = reconciler.passShard(shard);
  await stores.cast(ID, "dan", "up");
  await pass;
  expect(await changed()).toEqual([ID]);
});

test("while hundreds of votes are cast and applied, no drift is ever seen, and two passes at once repair nothing", async () => {
  const verdicts: string[] = [];
  let voting = true;
  const voters = ["up", "down", "none", "up"].map(async (wish, voter) => {
    for (let i = 0; i < 80; i++) await stores.cast(ID, `${voter}-${i % 7}`, i % 2 === 0 ? (wish as "up") : "down");
  });
  const worker = (async () => {
    while (voting) await stores.apply(ID);
  })();
  const looker = (async () => {
    while (voting) verdicts.push((await compare(true))?.verdict ?? "gone");
  })();
  const passes = [reconciler.passShard(shard), new Reconciler(stores, stores.loader).passShard(shard)];
  await Promise.all(voters);
  const reports = await Promise.all(passes);
  voting = false;
  await Promise.all([worker, looker]);
  expect(reports.flatMap(({ repaired }) => repaired)).toEqual([]);
  expect(verdicts.filter((verdict) => verdict === "drift")).toEqual([]);
  expect(verdicts).toContain("same");
});

const verified = () => verify(stores, { timeoutMs: 0 });

test("verification finds nothing wrong with stores that agree", async () => {
  expect(await verified()).toMatchObject({ projects: 1, rows: 3, older_than_log: 0 });
  expect(isClean(await verified())).toBe(true);
});

test("verification finds stores the same at the watermark, and names the shard whose events nobody applies", async () => {
  await stores.cast(ID, "dan", "down");
  await stores.cast(ID, "eve", "down");
  const report = await verified();
  expect(report.unapplied).toEqual([
    { shard, entries: 2, waiting_since: expect.any(String), not_applied_for_ms: expect.any(Number) },
  ]);
  expect(isClean(report)).toBe(false);
  await stores.apply(ID);
  expect(isClean(await verified())).toBe(true);
});

test("events that are applied while the verification is patient are no finding", async () => {
  await stores.cast(ID, "dan", "down");
  const verifying = verify(stores, { timeoutMs: 30_000 });
  await stores.apply(ID);
  expect(await verifying).toMatchObject({ unapplied: [], totals: { unapplied: 0 } });
});

test("a verification of one project does not mind what waits in other shards", async () => {
  const other = ["q", "r", "s", "t"].find((id) => stores.names.shardOf(id) !== shard) ?? "";
  await stores.createProject(other);
  await stores.cast(other, "dan", "up");
  expect((await verify(stores, { timeoutMs: 0, projectIds: [ID] })).unapplied).toEqual([]);
  expect((await verify(stores, { timeoutMs: 0, projectIds: [other] })).totals.unapplied).toBe(1);
});

test("a verification counts all findings, and keeps the first hundred of a kind", async () => {
  await stores.pool.query(
    `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
     SELECT $1, 0, 'user ' || n, 'none', n, now() FROM generate_series(1, 150) n`,
    [ID],
  );
  const report = await verified();
  expect(report.replay).toHaveLength(100);
  expect(report.totals).toMatchObject({ replay: 150, counters: 0 });
});

test("verification names a row that the audit log does not say, a vote that the row does not say, and what was not told", async () => {
  await stores.pool.query("UPDATE votes SET vote_type = 'none' WHERE user_id = 'ann'");
  await stores.pool.query("UPDATE projects SET upvotes = 2");
  await stores.redis.hset(stores.names.project(ID), { upvotes: "2" });
  const report = await verified();
  expect(report.counters).toEqual([]);
  expect(report.replay).toEqual([{ projectId: ID, period: 0, userId: "ann", row: "none", event: "up" }]);
  expect(report.voters).toEqual([{ projectId: ID, userId: "ann", redis: "up", row: "none" }]);
  expect(report.told).toEqual([ID]);
  expect(isClean(report)).toBe(false);
});

test("verification says what is still on its way when the time is up", async () => {
  await stores.castPastRedis(ID, "dan", "up");
  expect((await verified()).waiting).toMatchObject([{ projectId: ID, verdict: "waiting" }]);
});

test("rows older than the audit log are counted, not blamed", async () => {
  await stores.pool.query("UPDATE votes SET voted_at = voted_at - interval '1 year' WHERE user_id = 'ann'");
  await stores.pool.query("DELETE FROM vote_events WHERE user_id = 'ann'");
  expect(await verified()).toMatchObject({ replay: [], older_than_log: 1 });
});
