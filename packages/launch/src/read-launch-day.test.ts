/** A launch day as people see it, against real stores. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ROWS, TestLaunchStores } from "./final-day.testing.js";
import { finalizeDay } from "./finalize-day.js";
import { readLaunchDay } from "./read-launch-day.js";
import { recoverVotes } from "./recover-votes.js";
import { verifySeal } from "./verify-seal.js";

let stores: TestLaunchStores;
beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

const read = (date: string) =>
  readLaunchDay(stores, { date, dayEndsAtMs: Date.parse(date) + 86_400_000, nowMs: Date.now(), redisUsable: true });

/** Everything up to a point, where the process is gone. */
async function finalizeUpTo(date: string, end: string): Promise<void> {
  const at = (point: string) => {
    if (point === end) throw new Error(end);
  };
  const deps = { stores, source: ROWS, requestFlush: async () => undefined, now: () => new Date(), at };
  await expect(finalizeDay(deps, date)).rejects.toThrow(end);
}

test("a day is final for whoever is told so, whatever is left to be done", async () => {
  const date = await stores.endedDay({ rocket: 3, teapot: 1 });
  await finalizeUpTo(date, "inside announce");
  const day = await read(date);
  expect(day).toMatchObject({ status: "final", seal: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(day.apps.map(({ name, votes }) => [name, votes])).toEqual([
    ["rocket", 3],
    ["teapot", 1],
  ]);
  expect(await verifySeal(stores, date)).toMatchObject({ valid: true });
  expect(await recoverVotes(stores, { date, dryRun: true })).toMatchObject({ recovered: 0, missing: [] });
});

test.each(["inside count", "after count"])("a day is not final before all of its end is written: %s", async (point) => {
  const date = await stores.endedDay({ rocket: 3 });
  await finalizeUpTo(date, point);
  expect(await read(date)).toMatchObject({ status: "closing", seal: null });
});
