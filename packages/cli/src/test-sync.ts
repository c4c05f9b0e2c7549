/** The sync, proved on an installation by a user of its own, whose points are gone again at the end. */
import { boardAt, LEADERBOARD_PERIODS } from "@votesync/core";
import { giveHandPoints, runSync, type SyncDeps } from "@votesync/leaderboard";
import { givePointsByHand, readEntries } from "@votesync/postgres-store";
import { v4 as uuidv4 } from "uuid";

export interface TestStep {
  step: "create" | "update" | "delete";
  ok: boolean;
}

/** Each step: points, who should have them in PostgreSQL afterwards. */
const STEPS = [
  { step: "create", points: 5, expected: 5 },
  { step: "update", points: 2, expected: 7 },
  { step: "delete", points: -7, expected: null },
] as const;

export async function testSync(deps: SyncDeps): Promise<TestStep[]> {
  const { pool } = deps.stores;
  const userId = `sync-test:${uuidv4()}`;
  const results: TestStep[] = [];
  for (const { step, points, expected } of STEPS) {
    await givePointsByHand(pool, { userId, points, requestKey: uuidv4(), givenAt: new Date(deps.nowMs()) });
    await giveHandPoints(deps.stores, deps.zone);
    const options = { runId: uuidv4(), trigger: "manual" as const, dryRun: false, full: false, force: false };
    await runSync(deps, { ...options, periods: LEADERBOARD_PERIODS });
    const found = await Promise.all(
      LEADERBOARD_PERIODS.map(async (period) => {
        const rows = await readEntries(pool, { board: boardAt(period, deps.nowMs(), deps.zone), userIds: [userId] });
        return rows.get(userId) ?? null;
      }),
    );
    results.push({ step, ok: found.every((value) => value === expected) });
  }
  return results;
}
