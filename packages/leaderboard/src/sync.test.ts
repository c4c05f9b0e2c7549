/** The sync on real stores: what it writes, what it refuses, and that a random history ends with both sides equal. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Board, boardName } from "@votesync/core";
import { readSyncState, tryAdvisoryLock } from "@votesync/postgres-store";
import { readBoardsEpoch, takeDirty } from "@votesync/redis-store";
import fc from "fast-check";
import { v4 as uuidv4 } from "uuid";
import { TestBoards } from "./boards.testing.js";
import { undoSync } from "./restore.js";
import { checkSyncHealth } from "./sync-health.js";

let boards: TestBoards;
beforeEach(async () => {
  boards = await TestBoards.create();
});
afterEach(() => boards.remove());

const board = (period: Board["period"]) => boards.boards.find((one) => one.period === period) as Board;

async function expectEqualSides(): Promise<void> {
  for (const one of boards.boards) expect(await boards.inPostgres(one)).toEqual(await boards.inRedis(one));
}

test("new, changed and removed users become rows; a second run changes nothing", async () => {
  await boards.score("ann", 5);
  await boards.score("bob", 3);
  expect(await boards.sync()).toMatchObject({ created: 2, updated: 0, deleted: 0, unchanged: 0, errors: [] });
  await boards.score("ann", 1);
  await boards.score("bob", -3);
  await boards.score("cem", -2);
  const report = await boards.sync();
  expect(report).toMatchObject({ created: 1, updated: 1, deleted: 1, unchanged: 0, dry_run: false });
  expect(report.by_period.weekly).toEqual({ created: 1, updated: 1, deleted: 1, unchanged: 0 });
  expect(await boards.inPostgres(board("yearly"))).toEqual({ ann: 6, cem: -2 });
  expect(await boards.sync()).toMatchObject({ created: 0, updated: 0, deleted: 0, unchanged: 2 });
  expect(await boards.sync({ full: true })).toMatchObject({ created: 0, updated: 0, deleted: 0, unchanged: 2 });
});

test("a dry run says the same and writes nothing", async () => {
  await boards.score("ann", 5);
  const wouldBe = { created: 1, updated: 0, deleted: 0, unchanged: 0 };
  expect(await boards.sync({ dryRun: true })).toMatchObject({ ...wouldBe, dry_run: true });
  expect(await boards.inPostgres(board("daily"))).toEqual({});
  expect(await boards.sync()).toMatchObject(wouldBe);
  await boards.score("ann", 1);
  expect(await boards.sync({ dryRun: true, full: true })).toMatchObject({ created: 0, updated: 1 });
  expect(await boards.inPostgres(board("daily"))).toEqual({ ann: 5 });
});

test("chosen periods alone are synced", async () => {
  await boards.score("ann", 5);
  expect(Object.keys((await boards.sync({ periods: ["monthly"] })).by_period)).toEqual(["monthly"]);
  expect([await boards.inPostgres(board("monthly")), await boards.inPostgres(board("daily"))]).toEqual([
    { ann: 5 },
    {},
  ]);
  await boards.sync();
  await expectEqualSides();
});

test("no connection keeps a plan that was made while the boards were empty: later it would read all rows for each page", async () => {
  await boards.score("ann", 5);
  await boards.sync({ full: true });
  const { pool } = boards;
  const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  const plans = "SELECT statement FROM pg_prepared_statements WHERE statement ~ 'leaderboard_entries'";
  const kept = await Promise.all(clients.map(async (client) => (await client.query(plans)).rows));
  for (const client of clients) client.release();
  expect(kept.flat()).toEqual([]);
});

test("somebody taken off the boards by hand is deleted by the next sync", async () => {
  for (const user of ["ann", "bob", "cem"]) await boards.score(user, 1);
  await boards.sync();
  for (const one of boards.boards) await boards.redis.zrem(boards.names.boards + boardName(one), "bob");
  expect(await boards.sync()).toMatchObject({ created: 0, updated: 0, deleted: 1, unchanged: 2 });
  await expectEqualSides();
});

test("a Redis that came up empty deletes nothing; restored, the boards are back, with what was given since", async () => {
  for (let i = 0; i < 30; i++) await boards.score(`user ${i}`, i + 1);
  await boards.sync();
  await boards.wipe();
  await expect(boards.sync()).rejects.toThrow("restore them");
  await boards.score("user 5", 100);
  await expect(boards.sync({ full: true })).rejects.toThrow("restore them");
  expect(Object.keys(await boards.inPostgres(board("daily")))).toHaveLength(30);

  const report = await boards.restore();
  expect(report).toMatchObject({ restored: 120, boards: expect.arrayContaining(["daily:2026-11-23"]) });
  expect(await boards.inRedis(board("daily"))).toMatchObject({ "user 0": 1, "user 5": 106, "user 29": 30 });
  expect(await boards.restore()).toMatchObject({ restored: 120 });
  expect(await boards.sync()).toMatchObject({ created: 0, updated: 1, deleted: 0, unchanged: 29 });
  await expectEqualSides();
});

test("a run that would delete too much stops before it writes anything, unless it is forced", async () => {
  for (let i = 0; i < 40; i++) await boards.score(`user ${i}`, 1);
  await boards.sync();
  for (let i = 0; i < 12; i++) await boards.score(`user ${i}`, -1);
  await boards.score("new", 9);
  await expect(boards.sync()).rejects.toThrow("would delete 12 of 40 rows");
  await expect(boards.sync({ full: true })).rejects.toThrow("would delete 12 of 40 rows");
  expect(await boards.inPostgres(board("daily"))).not.toHaveProperty("new");
  expect(await boards.sync({ force: true })).toMatchObject({ created: 1, deleted: 12 });
  await expectEqualSides();
});

test("one user who cannot be stored is named, keeps nobody else from it, and is tried again by every run", async () => {
  await boards.pool.query("ALTER TABLE leaderboard_entries ADD CONSTRAINT not_bad CHECK (user_id <> 'user 7')");
  for (let i = 0; i < 20; i++) await boards.score(`user ${i}`, i + 1);
  const failed = [{ user_id: "user 7", error: expect.stringContaining("not_bad") }];
  expect(await boards.sync()).toMatchObject({ created: 19, by_period: { daily: { created: 19 } }, errors: failed });
  expect(await boards.sync()).toMatchObject({ created: 0, unchanged: 19, errors: failed });
  const { issues } = await checkSyncHealth(boards, boards.nowMs);
  expect(issues).toEqual([expect.stringContaining("could not store 1 of the users: user 7")]);
  await boards.pool.query("ALTER TABLE leaderboard_entries DROP CONSTRAINT not_bad");
  expect(await boards.sync()).toMatchObject({ created: 1, unchanged: 19, errors: [], full: false });
  await expectEqualSides();
});

test("a period that is named twice is one", async () => {
  await boards.score("ann", 5);
  expect(await boards.sync({ periods: ["daily", "daily"] })).toMatchObject({
    created: 1,
    by_period: { daily: { created: 1 } },
    errors: [],
  });
});

test("what a run that was killed had taken comes with the next one", async () => {
  await boards.score("ann", 5);
  for (const one of boards.boards) await takeDirty(boards.redis, boards.names, one);
  await boards.score("bob", 1);
  expect(await boards.sync()).toMatchObject({ created: 2 });
  await expectEqualSides();
});

test("two at once: one runs, the other is told which", async () => {
  const runId = uuidv4();
  await boards.pool.query("INSERT INTO sync_runs (id, trigger) VALUES ($1, 'manual')", [runId]);
  const refused = await tryAdvisoryLock(boards.pool, 7_320, 0, () => boards.sync().catch((error: unknown) => error));
  expect(refused).toMatchObject({ name: "SyncRunningError", runId });
  await boards.sync();
  const { rows } = await boards.pool.query("SELECT status FROM sync_runs WHERE id = $1", [runId]);
  expect(rows).toEqual([{ status: "interrupted" }]);
});

test("rows that a run changed can be put back", async () => {
  for (let i = 0; i < 3; i++) await boards.score(`user ${i}`, 10);
  await boards.sync();
  await boards.score("user 0", 5);
  await boards.score("user 1", -10);
  const { run_id: runId } = await boards.sync();
  expect(await undoSync(boards, { runId, undoId: uuidv4() })).toEqual({ run_id: runId, undone: 8 });
  expect(await boards.inPostgres(board("daily"))).toEqual({ "user 0": 10, "user 1": 10, "user 2": 10 });
});

test("both stores carry the same mark from the first sync on", async () => {
  expect((await readSyncState(boards.pool)).boardsEpoch).toBeNull();
  await boards.sync({ dryRun: true });
  expect((await readSyncState(boards.pool)).boardsEpoch).toBeNull();
  await boards.sync();
  const { boardsEpoch } = await readSyncState(boards.pool);
  expect(boardsEpoch).toMatch(/^[\da-f-]{36}$/);
  expect(await readBoardsEpoch(boards.redis, boards.names)).toBe(boardsEpoch);
});

const change = fc.record({ user: fc.integer({ min: 0, max: 30 }), points: fc.integer({ min: -2, max: 3 }) });
const step = fc.oneof(
  { weight: 6, arbitrary: change.map((one) => ({ kind: "score" as const, ...one })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sync" as const), full: fc.boolean() }) },
);

test("scores change while syncs run; a quiet sync afterwards makes both sides equal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (history) => {
      const own = await TestBoards.create();
      try {
        const running: Promise<unknown>[] = [];
        for (const one of history) {
          if (one.kind === "score") await own.score(`user ${one.user}`, one.points);
          // One that runs already is fine: the next one takes what it leaves.
          else running.push(own.sync({ full: one.full, force: true }).catch((error: Error) => error.name));
        }
        for (const outcome of await Promise.all(running)) {
          if (typeof outcome === "string") expect(outcome).toBe("SyncRunningError");
        }
        await own.sync({ force: true });
        for (const one of own.boards) expect(await own.inPostgres(one)).toEqual(await own.inRedis(one));
      } finally {
        await own.remove();
      }
    }),
    { numRuns: 12 },
  );
});
