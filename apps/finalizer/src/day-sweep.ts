/**
 * Finds the days that want something done, whatever became of the jobs for it: over and not final, not flushed, or with
 * backups whose time is up. Jobs live in Redis and may be lost with it; days do not.
 */
import { launchDay } from "@votesync/core";
import { finalizeJob, flushJob, type JobQueue, onceADay } from "@votesync/jobs";
import type { LaunchArchive } from "@votesync/mongo-store";
import { type LaunchDay, openDayPages } from "@votesync/postgres-store";
import type { Logger } from "@votesync/service-kit";
import type pg from "pg";
import type { DayMetrics } from "./day-metrics.js";

/** Days that are not final. */
const DAYS_PER_PAGE = 100;
/** Days to remove backups of, per run; more are found by the next. */
const DAYS_PER_RUN = 100;
const BACKUPS_KEPT_MS = 30 * 86_400_000;

export interface DaySweepDeps {
  pool: pg.Pool;
  archive: LaunchArchive;
  queue: JobQueue;
  zone: string;
  delayMs: number;
  now: () => Date;
  metrics: Pick<DayMetrics, "waitingSince">;
  log: Logger;
}

/** Each part by itself: without MongoDB days are still finalized as soon as it is back, and the other way round. */
export async function sweepDays(deps: DaySweepDeps): Promise<void> {
  const outcomes = await Promise.allSettled([finalizeDue(deps), flushUnflushed(deps), removeExpired(deps)]);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function finalizeDue(deps: DaySweepDeps): Promise<void> {
  const due = await findDue(deps);
  deps.metrics.waitingSince(due.length === 0 ? null : Math.min(...due.map(({ dueAtMs }) => dueAtMs)));
  for (const { date } of due) await deps.queue.add(finalizeJob, { date }, onceADay(finalizeJob, date));
}

async function findDue({ pool, zone, delayMs, now }: DaySweepDeps): Promise<{ date: string; dueAtMs: number }[]> {
  const nowMs = now().getTime();
  const due: { date: string; dueAtMs: number }[] = [];
  for await (const days of openDayPages(pool, DAYS_PER_PAGE)) {
    const timed = days.map((day) => ({ date: day.date, dueAtMs: endsAtMs(day, zone) + delayMs }));
    due.push(...timed.filter(({ dueAtMs }) => dueAtMs <= nowMs));
  }
  return due;
}

/** A day that still takes apps is not over, though all of those it has may have closed. */
function endsAtMs({ date, closesAt, closedAt }: LaunchDay, zone: string): number {
  if (closesAt === null) return Number.POSITIVE_INFINITY;
  const closesAtUs = closedAt === null ? (launchDay(date, zone)?.closesAtUs ?? 0) : 0;
  return Math.max(closesAt.getTime(), closesAtUs / 1_000);
}

async function flushUnflushed({ archive, queue }: DaySweepDeps): Promise<void> {
  for await (const dates of archive.unflushedPages()) {
    for (const date of dates) await queue.add(flushJob, { date }, onceADay(flushJob, date));
  }
}

async function removeExpired({ archive, now, log }: DaySweepDeps): Promise<void> {
  const finalizedBefore = new Date(now().getTime() - BACKUPS_KEPT_MS);
  for (const date of await archive.findExpiredBackups(finalizedBefore, DAYS_PER_RUN)) {
    await archive.removeBackups(date, now());
    log.info({ date }, "backups removed: their time was up");
  }
}
