/** `/api/periodic-sync/…`: how an operator watches and steers the sync of leaderboards. The work is done by sync-scheduler. */
import { setTimeout as delay } from "node:timers/promises";
import { QUEUES, type RedisNames, syncBodySchema, syncHistoryQuerySchema, undoSyncBodySchema } from "@votesync/core";
import { type JobKind, type Jobs, leaderboardOutcomeSchema, restoreJob, syncJob, undoJob } from "@votesync/jobs";
import { checkSyncHealth, countBoards } from "@votesync/leaderboard";
import {
  findRunningSync,
  findSyncRun,
  listSyncRuns,
  type PostgresConnection,
  readSyncState,
  type SyncRunRow,
  setSyncEnabled,
} from "@votesync/postgres-store";
import type { RedisClient } from "@votesync/redis-store";
import { problem, unavailable } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { v4 as uuidv4 } from "uuid";
import { identityOf } from "./authenticate.js";

const WAIT_MS = 60_000;
const POLL_MS = 50;
/** Runs an admin may ask for a minute, on one replica. */
const MANUAL_RUNS_A_MINUTE = 30;

export interface PeriodicSyncDeps {
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
  jobs: Jobs;
  leaderboardZone: string;
  now: () => Date;
}

export function periodicSyncRoutes(deps: PeriodicSyncDeps) {
  const { pool } = deps.postgres;
  const stores = { redis: deps.redis, names: deps.names, pool };
  const manual = new RateLimiterMemory({ points: MANUAL_RUNS_A_MINUTE, duration: 60 });

  /** `GET status` */
  async function status(_req: Request, res: Response): Promise<void> {
    const [state, running, [last]] = [
      await readSyncState(pool),
      await findRunningSync(pool),
      await listSyncRuns(pool, 1),
    ];
    res.json({
      enabled: state.enabled,
      running: running === null ? null : runView(running),
      // Stopped, it does not run then.
      next_run_at: (state.enabled ? state.nextRunAt : null)?.toISOString() ?? null,
      last_run: last === undefined ? null : runView(last),
    });
  }

  /** `POST sync` */
  async function sync(req: Request, res: Response): Promise<void> {
    const { dry_run: dryRun, ...body } = syncBodySchema.parse(req.body === undefined ? {} : req.body);
    const runId = uuidv4();
    await answer(res, { kind: syncJob, data: { ...body, dryRun, runId }, runId });
  }

  /** `POST restore` */
  async function restore(_req: Request, res: Response): Promise<void> {
    const runId = uuidv4();
    await answer(res, { kind: restoreJob, data: { runId }, runId });
  }

  /** `POST undo` */
  async function undo(req: Request, res: Response): Promise<void> {
    const { run_id: runId } = undoSyncBodySchema.parse(req.body);
    if ((await findSyncRun(pool, runId)) === null) throw problem(404, "There is no such run.");
    const undoId = uuidv4();
    await answer(res, { kind: undoJob, data: { runId, undoId }, runId: undoId });
  }

  async function answer<T>(res: Response, job: { kind: JobKind<T>; data: T; runId: string }) {
    await limitManual(manual, identityOf(res).userId);
    const outcome = await outcomeOf(deps.jobs, job);
    if (outcome === null) {
      res.status(202).json({ run_id: job.runId, status: "running" });
      return;
    }
    if (outcome.kind === "running") {
      throw problem(409, "A sync is running.", {
        type: "urn:votesync:problem:sync-running",
        extensions: { run_id: outcome.runId },
      });
    }
    if (outcome.kind === "refused") {
      const detail = `${outcome.reason.charAt(0).toUpperCase()}${outcome.reason.slice(1)}.`;
      throw problem(409, detail, {
        type: "urn:votesync:problem:mass-delete-refused",
        extensions: { run_id: job.runId },
      });
    }
    res.json(outcome.report);
  }

  const enable = (enabled: boolean) => async (_req: Request, res: Response) => {
    await setSyncEnabled(pool, enabled);
    res.json({ enabled });
  };

  /** `GET health` */
  async function health(_req: Request, res: Response): Promise<void> {
    res.json(await checkSyncHealth(stores, deps.now().getTime()));
  }

  /** `GET metrics` */
  async function metrics(_req: Request, res: Response): Promise<void> {
    const counts = await countBoards(stores, { zone: deps.leaderboardZone, nowMs: deps.now().getTime() });
    const [last] = await listSyncRuns(pool, 1);
    res.json({
      redis_counts: counts.redis,
      postgres_counts: counts.postgres,
      postgres_users: counts.postgresUsers,
      last_run: last === undefined ? null : runView(last),
    });
  }

  /** `GET history` */
  async function history(req: Request, res: Response): Promise<void> {
    const { limit } = syncHistoryQuerySchema.parse(req.query);
    res.json({ runs: (await listSyncRuns(pool, limit)).map(runView) });
  }

  return { status, sync, restore, undo, start: enable(true), stop: enable(false), health, metrics, history };
}

async function limitManual(limiter: RateLimiterMemory, userId: string): Promise<void> {
  try {
    await limiter.consume(userId);
  } catch {
    throw problem(429, `At most ${MANUAL_RUNS_A_MINUTE} runs a minute by hand.`, { headers: { "Retry-After": "60" } });
  }
}

/** @returns `null` when the job is still at work */
async function outcomeOf<T>(jobs: Jobs, { kind, data }: { kind: JobKind<T>; data: T }) {
  const queue = jobs.queue(QUEUES.leaderboards);
  const id = await queue.add(kind, data);
  const giveUpAtMs = performance.now() + WAIT_MS;
  for (;;) {
    const job = await queue.outcome(id);
    if (job?.state === "completed") return leaderboardOutcomeSchema.parse(job.result);
    if (job?.state === "failed")
      throw unavailable("The run failed; what it had not done the next one does.", job.reason);
    if (performance.now() >= giveUpAtMs) return null;
    await delay(POLL_MS);
  }
}

function runView(run: SyncRunRow) {
  const report = typeof run.report === "object" && run.report !== null ? run.report : {};
  return {
    ...report,
    run_id: run.id,
    trigger: run.trigger,
    status: run.status,
    started_at: run.startedAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
    dry_run: run.dryRun,
    full: run.full,
    error: run.error,
  };
}
