/** Leaderboards to PostgreSQL: on their schedule, and when an admin asks. */
import { type PointsOfVotes, QUEUES } from "@votesync/core";
import { handles, type Jobs, type LeaderboardOutcome, restoreJob, syncJob, undoJob } from "@votesync/jobs";
import {
  isRefusal,
  restoreBoards,
  runSync,
  runWhenDue,
  type ScheduleDeps,
  type SyncOptions,
  SyncRunningError,
  undoSync,
} from "@votesync/leaderboard";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import { Counter, type Registry } from "prom-client";
import type { SyncWebhook } from "./sync-webhook.js";

const TICK_MS = 1_000;
/** The second of two is told that one runs, rather than waiting for its end; and one more for what is told outside. */
const CONCURRENCY = 3;

export interface LeaderboardSyncDeps {
  schedule: ScheduleDeps;
  points: PointsOfVotes;
  webhook: SyncWebhook;
  jobs: Jobs;
  registry: Registry;
  log: Logger;
}

export function createLeaderboardSync({
  schedule,
  points,
  webhook,
  jobs,
  registry,
  log,
}: LeaderboardSyncDeps): Service[] {
  const runs = new Counter({
    name: "votesync_leaderboard_sync_runs_total",
    help: "Runs of the leaderboard sync by what came of them",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const loop = createLoop({
    name: "leaderboard-sync",
    runOnce: async () => {
      const report = await runWhenDue(schedule).catch(async (error: unknown) => {
        runs.inc({ outcome: isRefusal(error) ? "refused" : "failed" });
        await webhook.failed(error);
        throw error;
      });
      if (report === null) return false;
      runs.inc({ outcome: "done" });
      log.info({ ...report }, "leaderboards synced");
      await webhook.done(report);
      return false;
    },
    idleMs: TICK_MS,
    log,
  });
  const { stores } = schedule;
  const onDemand = async (work: () => Promise<object>): Promise<LeaderboardOutcome> => {
    const outcome = await outcomeOf(work);
    runs.inc({ outcome: outcome.kind });
    return outcome;
  };
  const syncNow = async (data: Omit<SyncOptions, "trigger">) => {
    try {
      const report = await runSync(schedule, { ...data, trigger: "manual" });
      await webhook.done(report);
      return report;
    } catch (error) {
      if (!(error instanceof SyncRunningError)) await webhook.failed(error);
      throw error;
    }
  };
  const handlers = [
    handles(syncJob, (data) => onDemand(() => syncNow(data))),
    webhook.handler(),
    handles(restoreJob, ({ runId }) => onDemand(() => restoreBoards({ ...schedule, points }, runId))),
    handles(undoJob, (data) => onDemand(() => undoSync(stores, data))),
  ];
  return [loop, jobs.worker(QUEUES.leaderboards, handlers, { concurrency: CONCURRENCY })];
}

/** What is not the sync's fault is an outcome; anything else fails the job. */
async function outcomeOf(work: () => Promise<object>): Promise<LeaderboardOutcome> {
  try {
    return { kind: "done", report: { ...(await work()) } };
  } catch (error) {
    if (error instanceof SyncRunningError) return { kind: "running", runId: error.runId };
    if (isRefusal(error)) return { kind: "refused", reason: (error as Error).message };
    throw error;
  }
}
