/** The end of a day on demand: the finalizer's job, waited for a while. */
import { setTimeout as delay } from "node:timers/promises";
import { QUEUES } from "@votesync/core";
import { finalizeJob, type JobOutcome, type Jobs, onceADay } from "@votesync/jobs";
import type { LaunchStores } from "@votesync/launch";
import { readLaunchDayRow } from "@votesync/postgres-store";
import { problem, unavailable } from "@votesync/service-kit";

const WAIT_MS = 30_000;
const POLL_MS = 50;
/** The result does not wait for the flush; an answer may, for a moment, so that it finds the day as it will be. */
const FLUSH_WAIT_MS = 1_000;

export interface AwaitFinalizationDeps {
  stores: LaunchStores;
  jobs: Jobs;
  now: () => Date;
}

/** @throws {HttpError} 409 when the day is not over, 503 when it cannot be finalized now */
export async function awaitFinalization(
  { stores, jobs, now }: AwaitFinalizationDeps,
  { date, dayEndsAt }: { date: string; dayEndsAt: Date },
): Promise<{ status: 200 | 202; body: unknown }> {
  const day = await readLaunchDayRow(stores.pool, date);
  const endsAt = day?.closesAt ?? dayEndsAt;
  if (endsAt > now()) throw problem(409, `The day ${date} is not over before ${endsAt.toISOString()}.`);
  const queue = jobs.queue(QUEUES.launches);
  const jobId = await queue.add(finalizeJob, { date }, onceADay(finalizeJob, date));
  const outcome = await poll(() => queue.outcome(jobId), isOver, WAIT_MS);
  if (outcome?.state === "failed") {
    throw unavailable(`The day ${date} cannot be finalized right now; it will be tried again.`, outcome.reason);
  }
  if (outcome?.state !== "completed") {
    return {
      status: 202,
      body: { date, status: "closing", message: "Still at work; ask again, or see GET /api/launch" },
    };
  }
  await poll(
    () => stores.archive.findDay(date),
    (found) => found?.flush?.state !== "pending",
    FLUSH_WAIT_MS,
  ).catch(() => undefined);
  return { status: 200, body: outcome.result };
}

const isOver = (outcome: JobOutcome | null) => outcome?.state === "completed" || outcome?.state === "failed";

/** What `read` says once it is `done`, or when the time is up. */
async function poll<T>(read: () => Promise<T>, done: (found: T) => boolean, ms: number): Promise<T> {
  const giveUpAtMs = performance.now() + ms;
  for (;;) {
    const found = await read();
    if (done(found) || performance.now() >= giveUpAtMs) return found;
    await delay(POLL_MS);
  }
}
