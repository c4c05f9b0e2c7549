import { RedisNames } from "@votesync/core";
import { connectJobs } from "@votesync/jobs";
import { connectPostgres, refreshRankings } from "@votesync/postgres-store";
import { connectRedis } from "@votesync/redis-store";
import {
  closing,
  createHealth,
  createHealthServer,
  createLogger,
  createLoop,
  createMetrics,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { createColdProjectEviction } from "./cold-project-eviction.js";
import { configSchema } from "./config.js";
import { createSideEffectServices } from "./side-effect-services.js";

const service = "sync-scheduler";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const postgres = connectPostgres({ url: config.DATABASE_URL, name: service, poolSize: 4, log });
const jobs = connectJobs({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const stores = { redis: redis.client, names: new RedisNames(config.VOTE_SHARDS), pool: postgres.pool };

const { registry } = createMetrics(service);
const health = createHealth({
  service,
  registry,
  checks: [
    { name: "redis", required: true, check: redis.ping },
    { name: "postgres", required: true, check: postgres.ping },
  ],
});

const rankings = createLoop({
  name: "refresh-rankings",
  runOnce: async () => (await refreshRankings(postgres.pool)).more,
  idleMs: config.SYNC_INTERVAL_MS,
  log,
});

const eviction = createColdProjectEviction({
  stores,
  idleMs: config.COLD_PROJECT_MS,
  registry,
  log,
});

const sideEffects = createSideEffectServices({ deps: stores, jobs, sweepMs: config.SIDE_EFFECTS_SWEEP_MS, registry });

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("jobs", jobs.close),
    createHealthServer({ port: config.SYNC_SCHEDULER_PORT, health, log }),
    rankings,
    eviction,
    ...sideEffects,
  ],
});
