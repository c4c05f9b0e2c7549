/** Leaderboards to PostgreSQL: on their schedule, and when an admin asks. */
import { type PointsOfVotes, QUEUES } from "@votesync/core";
import { handles, type Jobs, type LeaderboardOutcome, restoreJob, syncJob, undoJob } from "@votesync/jobs";
import {
  BoardsLostError,
  MassDeleteRefusedError,
  restoreBoards,
  runSync,
  runWhenDue,
  type ScheduleDeps,
  SyncRunningError,
  undoSync,
} from "@votesync/leaderboard";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import { Counter, type Registry } from "prom-client";

const TICK_MS = 1_000;
/** The second of two is told that one runs, rather than waiting for its end. */
const CONCURRENCY = 2;

export interface LeaderboardSyncDeps {
  schedule: ScheduleDeps;
  points: PointsOfVotes;
  jobs: Jobs;
  registry: Registry;
  log: Logger;
}

export function createLeaderboardSync({ schedule, points, jobs, registry, log }: LeaderboardSyncDeps): Service[] {
  const runs = new Counter({
    name: "votesync_leaderboard_sync_runs_total",
    help: "Runs of the leaderboard sync by what came of them",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const loop = createLoop({
    name: "leaderboard-sync",
    runOnce: async () => {
      const report = await runWhenDue(schedule).catch((error: unknown) => {
        runs.inc({ outcome: isRefusal(error) ? "refused" : "failed" });
        throw error;
      });
      if (report !== null) runs.inc({ outcome: "done" });
      if (report !== null) log.info({ ...report }, "leaderboards synced");
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
  const handlers = [
    handles(syncJob, (data) => onDemand(() => runSync(schedule, { ...data, trigger: "manual" }))),
    handles(restoreJob, ({ runId }) => onDemand(() => restoreBoards({ ...schedule, points }, runId))),
    handles(undoJob, (data) => onDemand(() => undoSync(stores, data))),
  ];
  return [loop, jobs.worker(QUEUES.leaderboards, handlers, { concurrency: CONCURRENCY })];
}

const isRefusal = (error: unknown) => error instanceof BoardsLostError || error instanceof MassDeleteRefusedError;

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
