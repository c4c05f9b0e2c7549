/** Does the jobs of launch days, and writes down what they came to. */
import { ADVISORY_LOCKS, QUEUES } from "@votesync/core";
import { finalizeJob, flushJob, handles, type Jobs, type JobWorker, onceADay } from "@votesync/jobs";
import { type FinalizeReport, finalizeDay, flushDay, type LaunchStores, type VoteSource } from "@votesync/launch";
import { tryAdvisoryLock } from "@votesync/postgres-store";
import type { Logger } from "@votesync/service-kit";
import type { DayMetrics } from "./day-metrics.js";

/** A flush that hangs must not keep another day from its end. */
const CONCURRENCY = 4;

/** Another replica is at it; the job is tried again. */
class DayBusyError extends Error {
  override readonly name = "DayBusyError";
  constructor(readonly date: string) {
    super(`${date} is being finalized by somebody else`);
  }
}

export interface DayWorkerDeps {
  jobs: Jobs;
  stores: LaunchStores;
  source: VoteSource;
  metrics: DayMetrics;
  now: () => Date;
  log: Logger;
}

export function createDayWorker({ jobs, stores, source, metrics, now, log }: DayWorkerDeps): JobWorker {
  const requestFlush = (date: string) => jobs.queue(QUEUES.launches).add(flushJob, { date }, onceADay(flushJob, date));

  const finalize = handles(finalizeJob, async ({ date }): Promise<FinalizeReport> => {
    const work = () => metrics.finalizing(() => finalizeDay({ stores, source, requestFlush, now }, date));
    // Only to spare the work: two at once come to the same.
    const report = await tryAdvisoryLock(stores.pool, ADVISORY_LOCKS.launchDay, dayNumber(date), work);
    if (report === null) throw new DayBusyError(date);
    if (report.updated > 0) log.info({ date, ...report }, "launch day finalized");
    return report;
  });

  const flush = handles(flushJob, async ({ date }, { isLastTry }) => {
    const report = await metrics.flushing(() => flushDay({ stores, source, now }, { date, isLastTry }));
    log.info({ date, ...report }, "launch day flushed");
    return report;
  });

  return jobs.worker(QUEUES.launches, [finalize, flush], { concurrency: CONCURRENCY });
}

const dayNumber = (date: string) => Number(date.replaceAll("-", ""));
