import { QUEUES, RedisNames } from "@votesync/core";
import { connectJobs } from "@votesync/jobs";
import { connectPostgres, countFailures } from "@votesync/postgres-store";
import { connectRedis } from "@votesync/redis-store";
import {
  closing,
  createHealth,
  createHealthServer,
  createLogger,
  createMetrics,
  createSettingsCheck,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { createBringOver } from "./bring-over.js";
import { configSchema } from "./config.js";
import { EventWorker } from "./event-worker.js";
import { createRedisClockMeter } from "./redis-clock-meter.js";
import { ShardClaims } from "./shard-claims.js";
import { checkShards } from "./shard-health.js";
import { TouchedProjects } from "./touched-projects.js";
import { createWorkerMetrics } from "./worker-metrics.js";

const service = "vote-worker";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const names = new RedisNames(config.VOTE_SHARDS);
const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const postgres = connectPostgres({ url: config.DATABASE_URL, config, name: service, poolSize: 4, log });

const jobs = connectJobs({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const touched = new TouchedProjects(jobs.queue(QUEUES.sideEffects));

const { registry } = createMetrics(service);
const claims = new ShardClaims({
  databaseUrl: config.DATABASE_URL,
  shards: names.allShards(),
  onConnectionLost: (error) => log.warn({ err: error.message }, "lost the connection that holds the shard claims"),
});
const metrics = createWorkerMetrics({
  registry,
  log,
  shards: () => worker.shards(),
  stoppedShards: () => worker.stoppedShards().size,
  countFailures: () => countFailures(postgres.pool, worker.shards()),
});
const worker = new EventWorker({
  claims,
  names,
  log,
  redis: redis.client,
  pool: postgres.pool,
  batchSize: config.WORKER_BATCH_SIZE,
  pauseMs: config.WORKER_PAUSE_MS,
  retentionMs: config.STREAM_RETENTION_MS,
  retryDelaysMs: config.WORKER_RETRY_DELAYS_MS,
  now: () => new Date(),
  bringOver: createBringOver({ redis: redis.client, names, pool: postgres.pool, mode: config.POSTGRES_RECOVERY, log }),
  onRetried: metrics.onRetried,
  onApplied: (batch) => {
    metrics.onApplied(batch);
    touched.remember(batch.events.flatMap(({ event }) => (event.kind === "unchanged" ? [] : event.projectId)));
  },
});
const health = createHealth({
  service,
  registry,
  checks: [
    { name: "redis", required: true, check: redis.ping },
    { name: "postgres", required: true, check: postgres.ping },
    {
      name: "shards",
      required: true,
      check: () =>
        checkShards(postgres.pool, {
          count: config.VOTE_SHARDS,
          held: worker.shards(),
          stopped: worker.stoppedShards(),
        }),
    },
  ],
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("jobs", jobs.close),
    createSettingsCheck({ ...postgres.settings, log }),
    createHealthServer({ port: config.VOTE_WORKER_PORT, health, log }),
    touched.loop(log),
    createRedisClockMeter(redis.client, postgres.pool, log),
    worker,
  ],
});
