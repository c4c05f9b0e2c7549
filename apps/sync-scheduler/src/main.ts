import { QUEUES, RedisNames } from "@votesync/core";
import { connectJobs } from "@votesync/jobs";
import { PointsReader, restoreBoards } from "@votesync/leaderboard";
import { connectPostgres } from "@votesync/postgres-store";
import { ProjectLoader, Reconciler } from "@votesync/reconcile";
import { connectRedis } from "@votesync/redis-store";
import {
  closing,
  createHealth,
  createHealthServer,
  createLogger,
  createLoop,
  createMetrics,
  createSettingsCheck,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { v4 as uuidv4 } from "uuid";
import { createColdProjectEviction } from "./cold-project-eviction.js";
import { configSchema } from "./config.js";
import { createLeaderboardSync } from "./leaderboard-sync.js";
import { createPointsLoop } from "./points-loop.js";
import { checkPass } from "./reconcile-health.js";
import { createReconcileMetrics } from "./reconcile-metrics.js";
import { ReconcilePass } from "./reconcile-pass.js";
import { createReconcileWorker } from "./reconcile-worker.js";
import { createSideEffectServices } from "./side-effect-services.js";
import { SyncWebhook } from "./sync-webhook.js";
import { createUpkeep } from "./upkeep.js";

const WEBHOOK_MS = 10_000;

const service = "sync-scheduler";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const postgres = connectPostgres({ url: config.DATABASE_URL, config, name: service, poolSize: 7, log });
const jobs = connectJobs({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });

const { registry } = createMetrics(service);
const stores = { redis: redis.client, names: new RedisNames(config.VOTE_SHARDS), pool: postgres.pool };
const reconciler = new Reconciler(stores, new ProjectLoader(stores));
const pass = new ReconcilePass({ stores, reconciler, log });
const reconcileMetrics = createReconcileMetrics(registry, log);
const health = createHealth({
  service,
  registry,
  checks: [
    { name: "redis", required: true, check: redis.ping },
    { name: "postgres", required: true, check: postgres.ping },
    { name: "reconcile", required: false, check: () => checkPass(reconcileMetrics.ageMs(), config.SYNC_INTERVAL_MS) },
  ],
});

const reconcile = createLoop({
  name: "reconcile",
  runOnce: async () => {
    await reconcileMetrics.measured(() => pass.runOnce());
    return false;
  },
  idleMs: config.SYNC_INTERVAL_MS,
  log,
});
const eviction = createColdProjectEviction({ stores, idleMs: config.COLD_PROJECT_MS, registry, log });
const upkeep = createUpkeep({
  pool: postgres.pool,
  shards: stores.names.allShards(),
  auditRetentionDays: config.AUDIT_RETENTION_DAYS,
  now: () => new Date(),
  log,
});
const sideEffects = createSideEffectServices({ deps: stores, jobs, sweepMs: config.SIDE_EFFECTS_SWEEP_MS, registry });
const now = () => new Date();
const zone = config.LEADERBOARD_TIMEZONE;
const points = { up: config.POINTS_UP, down: config.POINTS_DOWN, none: 0 };
const pointsLoop = createPointsLoop({
  stores,
  reader: new PointsReader(stores, { zone, points }),
  restore: () => restoreBoards({ stores, zone, points, nowMs: () => now().getTime() }, uuidv4()),
  zone,
  now,
  log,
});
const { SYNC_WEBHOOK_URL: url, SYNC_WEBHOOK_SECRET: secret } = config;
const allowPrivate = config.SYNC_WEBHOOK_ALLOW_PRIVATE === "true";
const webhook = new SyncWebhook({
  target: url === undefined || secret === undefined ? null : { url, secret, allowPrivate, timeoutMs: WEBHOOK_MS },
  largeChange: config.SYNC_WEBHOOK_LARGE_CHANGE,
  queue: jobs.queue(QUEUES.leaderboards),
  now,
  log,
});
const leaderboardSync = createLeaderboardSync({
  schedule: {
    stores,
    zone,
    cron: config.LEADERBOARD_SYNC_CRON,
    periods: config.LEADERBOARD_SYNC_PERIODS,
    maxDeleteRatio: config.SYNC_MAX_DELETE_RATIO,
    maxDeleteMin: config.SYNC_MAX_DELETE_MIN,
    nowMs: () => now().getTime(),
  },
  points,
  webhook,
  jobs,
  registry,
  log,
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("jobs", jobs.close),
    createSettingsCheck({ ...postgres.settings, log }),
    createHealthServer({ port: config.SYNC_SCHEDULER_PORT, health, log }),
    reconcile,
    eviction,
    upkeep,
    createReconcileWorker({ jobs, reconciler, pass }),
    ...sideEffects,
    pointsLoop,
    ...leaderboardSync,
  ],
});
