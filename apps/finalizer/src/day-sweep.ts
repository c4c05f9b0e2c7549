/**
 * Finds the days that want something done, whatever became of the jobs for it: over and not final, not flushed, or with
 * backups whose time is up. Jobs live in Redis and may be lost with it; days do not.
 */
import { launchDay } from "@votesync/core";
import { finalizeJob, flushJob, type JobQueue, onceADay } from "@votesync/jobs";
import type { LaunchArchive } from "@votesync/mongo-store";
import { findOpenDays, type LaunchDay } from "@votesync/postgres-store";
import type { Logger } from "@votesync/service-kit";
import type pg from "pg";

/** Per run; more are found by the next. */
const DAYS_PER_RUN = 100;
const BACKUPS_KEPT_MS = 30 * 86_400_000;

export interface DaySweepDeps {
  pool: pg.Pool;
  archive: LaunchArchive;
  queue: JobQueue;
  zone: string;
  delayMs: number;
  now: () => Date;
  log: Logger;
}

/** Each part by itself: without MongoDB days are still finalized as soon as it is back, and the other way round. */
export async function sweepDays(deps: DaySweepDeps): Promise<void> {
  const outcomes = await Promise.allSettled([finalizeDue(deps), flushUnflushed(deps), removeExpired(deps)]);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function finalizeDue({ pool, queue, zone, delayMs, now }: DaySweepDeps): Promise<void> {
  const nowMs = now().getTime();
  for (const day of await findOpenDays(pool, DAYS_PER_RUN)) {
    if (dueAtMs(day, zone) + delayMs > nowMs) continue;
    await queue.add(finalizeJob, { date: day.date }, onceADay(finalizeJob, day.date));
  }
}

/** A day that still takes apps is not over, though all of those it has may have closed. */
function dueAtMs({ date, closesAt, closedAt }: LaunchDay, zone: string): number {
  if (closesAt === null) return Number.POSITIVE_INFINITY;
  const closesAtUs = closedAt === null ? (launchDay(date, zone)?.closesAtUs ?? 0) : 0;
  return Math.max(closesAt.getTime(), closesAtUs / 1_000);
}

async function flushUnflushed({ archive, queue }: DaySweepDeps): Promise<void> {
  for (const { _id: date } of await archive.findUnflushedDays(DAYS_PER_RUN)) {
    await queue.add(flushJob, { date }, onceADay(flushJob, date));
  }
}

async function removeExpired({ archive, now, log }: DaySweepDeps): Promise<void> {
  const finalizedBefore = new Date(now().getTime() - BACKUPS_KEPT_MS);
  for (const date of await archive.findExpiredBackups(finalizedBefore, DAYS_PER_RUN)) {
    await archive.removeBackups(date, now());
    log.info({ date }, "backups removed: their time was up");
  }
}
