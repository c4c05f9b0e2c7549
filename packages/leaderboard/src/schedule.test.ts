/** Runs by themselves: one for each moment that is due, whoever sees it, and none while it is stopped. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { LEADERBOARD_PERIODS } from "@votesync/core";
import { beginSyncRun, findRunningSync, readSyncState, setSyncEnabled, takeDueRun } from "@votesync/postgres-store";
import { v4 as uuidv4 } from "uuid";
import { NOON, TestBoards } from "./boards.testing.js";
import { nextRunAt, runWhenDue } from "./schedule.js";
import { checkSyncHealth } from "./sync-health.js";

const [HOUR_MS, MINUTE_MS] = [3_600_000, 60_000];

let boards: TestBoards;
beforeEach(async () => {
  boards = await TestBoards.create();
  boards.nowMs = NOON + MINUTE_MS;
});
afterEach(() => boards.remove());

const runDue = () => runWhenDue({ ...boards.deps, cron: "0 * * * *", periods: LEADERBOARD_PERIODS });
const runs = async () => (await boards.pool.query("SELECT FROM sync_runs WHERE status = 'done'")).rowCount;

test("of many schedulers one runs what is due, at every moment of the schedule", async () => {
  expect(await runDue()).toBeNull();
  expect((await readSyncState(boards.pool)).nextRunAt).toEqual(new Date(NOON + HOUR_MS));
  for (let hour = 1; hour <= 5; hour++) {
    boards.nowMs = NOON + hour * HOUR_MS;
    const reports = await Promise.all(Array.from({ length: 6 }, runDue));
    expect(reports.filter((report) => report !== null)).toHaveLength(1);
    expect(await runs()).toBe(hour);
  }
});

test("a run that is due is taken once, also by who looked before and comes after it has ended", async () => {
  await runDue();
  const [now, next] = [new Date(NOON + HOUR_MS), new Date(NOON + 2 * HOUR_MS)];
  expect([await takeDueRun(boards.pool, { now, next }), await takeDueRun(boards.pool, { now, next })]).toEqual([
    true,
    false,
  ]);
});

test("runs that were missed are made up for once", async () => {
  await runDue();
  boards.nowMs = NOON + 10 * HOUR_MS;
  expect(await runDue()).toMatchObject({ full: true });
  expect(await runDue()).toBeNull();
  boards.nowMs += HOUR_MS;
  expect(await runDue()).toMatchObject({ full: false });
});

test("once a day a run looks at everybody", async () => {
  await runDue();
  const fullAfter = async (ms: number) => {
    boards.nowMs += HOUR_MS;
    await boards.pool.query("UPDATE sync_state SET last_full_at = $1", [new Date(boards.nowMs - ms)]);
    return (await runDue())?.full;
  };
  expect(await fullAfter(23 * HOUR_MS)).toBe(false);
  expect(await fullAfter(24 * HOUR_MS)).toBe(true);
});

test("stopped it does not run, and nobody is told that it will; started it does", async () => {
  await runDue();
  boards.nowMs = NOON + HOUR_MS;
  await setSyncEnabled(boards.pool, false);
  expect(await runDue()).toBeNull();
  expect(await checkSyncHealth(boards, boards.nowMs)).toMatchObject({ enabled: false, next_run_at: null });
  await setSyncEnabled(boards.pool, true);
  expect(await runDue()).toMatchObject({ errors: [] });
});

test("a run whose process died is not under way, and health says that it was interrupted", async () => {
  const id = uuidv4();
  await beginSyncRun(boards.pool, { id, trigger: "schedule", dryRun: false, full: false });
  expect(await findRunningSync(boards.pool)).toBeNull();
  const { issues } = await checkSyncHealth(boards, boards.nowMs);
  expect(issues).toEqual([expect.stringContaining(`(${id}) was interrupted`)]);
});

test("in a zone with daylight saving the schedule goes by its clock", () => {
  const next = (after: string) => nextRunAt("30 2 * * *", "Europe/Berlin", Date.parse(after)).toISOString();
  expect(next("2026-10-24T12:00:00Z")).toBe("2026-10-25T00:30:00.000Z");
  expect(next("2026-10-26T00:00:00Z")).toBe("2026-10-26T01:30:00.000Z");
});
