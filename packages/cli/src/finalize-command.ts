/** `launch finalize`: asks the finalizer to end a day now, as it does some minutes after the end by itself, and waits for it. */
import { setTimeout as delay } from "node:timers/promises";
import { launchDay, QUEUES } from "@votesync/core";
import { finalizeJob, type JobOutcome, type JobQueue, onceADay } from "@votesync/jobs";
import { DayNotOverError } from "@votesync/launch";
import { readLaunchDayRow } from "@votesync/postgres-store";
import { Command } from "commander";
import type pg from "pg";
import { isDone, isNotDone, untilReady, withJobs, withLaunchStores } from "./open-stores.js";
import { launchDate, seconds, withJson } from "./options.js";

interface Options {
  json: boolean;
  date: string;
  timeout: number;
}

const POLL_MS = 100;

export function finalizeCommand(): Command {
  return withJson(new Command("finalize"))
    .description("end a day that is over now; a running finalizer does it")
    .requiredOption("--date <day>", "YYYY-MM-DD", launchDate)
    .option("--timeout <s>", "how long to wait for it", seconds, 60)
    .action(async ({ json, date, timeout }: Options) => {
      await withLaunchStores("votesync launch", ({ pool }, zone) => assertOver(pool, date, zone));
      const report = await withJobs("votesync launch", async (jobs) => {
        const queue = jobs.queue(QUEUES.launches);
        await untilReady(() => queue.counts().then(isDone, isNotDone));
        return finalized(queue, { date, timeoutMs: timeout * 1_000 });
      });
      if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else console.log(message(report));
    });
}

async function assertOver(pool: pg.Pool, date: string, zone: string): Promise<void> {
  const closesAt = (await readLaunchDayRow(pool, date))?.closesAt?.getTime();
  const endsAtMs = closesAt ?? (launchDay(date, zone)?.closesAtUs ?? 0) / 1_000;
  if (endsAtMs > Date.now()) throw new DayNotOverError(date);
}

/** @returns the finalizer's report */
async function finalized(queue: JobQueue, { date, timeoutMs }: { date: string; timeoutMs: number }): Promise<unknown> {
  const giveUpAtMs = performance.now() + timeoutMs;
  const id = await queue.add(finalizeJob, { date }, onceADay(finalizeJob, date));
  for (;;) {
    const outcome: JobOutcome | null = await queue.outcome(id);
    if (outcome?.state === "completed") return outcome.result;
    if (outcome?.state === "failed") throw new Error(`${date} could not be finalized: ${outcome.reason}`);
    if (performance.now() >= giveUpAtMs) {
      throw new Error(`${date} was not finalized within ${timeoutMs / 1_000} s; a running finalizer goes on with it`);
    }
    await delay(POLL_MS);
  }
}

const message = (report: unknown) => (report as { message?: string } | null)?.message ?? "done";
