/**
 * When the sync runs by itself. The next moment stands in PostgreSQL, so it is one for all replicas, survives a restart, and is
 * made up for once when it was missed. A full run is due once a day.
 */
import type { LeaderboardPeriod } from "@votesync/core";
import { readSyncState, setNextRun, takeDueRun } from "@votesync/postgres-store";
import { CronExpressionParser } from "cron-parser";
import { v4 as uuidv4 } from "uuid";
import { runSync, type SyncDeps } from "./sync.js";
import { SyncRunningError } from "./sync-errors.js";
import type { SyncReport } from "./sync-report.js";

const FULL_EVERY_MS = 86_400_000;

export interface ScheduleDeps extends SyncDeps {
  cron: string;
  periods: readonly LeaderboardPeriod[];
}

/** The first moment of the schedule after this one. */
export function nextRunAt(cron: string, zone: string, afterMs: number): Date {
  return CronExpressionParser.parse(cron, { tz: zone, currentDate: new Date(afterMs) })
    .next()
    .toDate();
}

/** @returns the report of the run that was due; `null` when none was, or when somebody else runs it */
export async function runWhenDue(deps: ScheduleDeps): Promise<SyncReport | null> {
  const { pool } = deps.stores;
  const { enabled, nextRunAt: dueAt, lastFullAt } = await readSyncState(pool);
  const nowMs = deps.nowMs();
  if (!enabled) return null;
  const next = nextRunAt(deps.cron, deps.zone, nowMs);
  // A schedule that was changed counts from now on.
  if (dueAt === null || dueAt > next) await setNextRun(pool, next);
  if (dueAt === null || dueAt.getTime() > nowMs) return null;
  // In one step: of several schedulers that see it due, one runs it.
  if (!(await takeDueRun(pool, { now: new Date(nowMs), next }))) return null;
  const full = lastFullAt === null || nowMs - lastFullAt.getTime() >= FULL_EVERY_MS;
  const options = { runId: uuidv4(), trigger: "schedule" as const, dryRun: false, full, force: false };
  try {
    return await runSync(deps, { ...options, periods: deps.periods });
  } catch (error) {
    if (error instanceof SyncRunningError) return null;
    throw error;
  }
}
