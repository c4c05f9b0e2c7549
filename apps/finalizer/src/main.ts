import { QUEUES, RedisNames } from "@votesync/core";
import { connectJobs } from "@votesync/jobs";
import {
  type EndedPeriods,
  ExternalVotesSource,
  endDuePeriods,
  OwnVotesSource,
  type VoteSource,
} from "@votesync/launch";
import { connectMongo, LaunchArchive } from "@votesync/mongo-store";
import { connectPostgres } from "@votesync/postgres-store";
import { ProjectLoader } from "@votesync/reconcile";
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
import { type Config, configSchema } from "./config.js";
import { createDayMetrics } from "./day-metrics.js";
import { sweepDays } from "./day-sweep.js";
import { createDayWorker } from "./day-worker.js";

/** Counting the rows of a whole day is one statement. */
const QUERY_TIMEOUT_MS = 60_000;
/** Watchers hear of a period that ended within this time, when no vote ends it first. */
const END_PERIODS_MS = 500;

const service = "finalizer";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const address = { url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log };
const redis = connectRedis(address);
const jobs = connectJobs(address);
const postgres = connectPostgres({
  url: config.DATABASE_URL,
  config,
  name: service,
  queryTimeoutMs: QUERY_TIMEOUT_MS,
  log,
});
const mongo = connectMongo({ url: config.MONGO_URL, log });

const { registry } = createMetrics(service);
const metrics = createDayMetrics(registry);
const archive = new LaunchArchive(mongo.connection);
const stores = { redis: redis.client, names: new RedisNames(config.VOTE_SHARDS), pool: postgres.pool, archive };
const source = createSource(config);
const loader = new ProjectLoader(stores);
const now = () => new Date();
const health = createHealth({
  service,
  registry,
  checks: [
    { name: "redis", required: true, check: redis.ping },
    { name: "postgres", required: true, check: postgres.ping },
    { name: "mongo", required: true, check: mongo.ping },
  ],
});

const onPeriodsNotEnded = (failed: EndedPeriods["failed"]) => {
  const [err] = failed.values();
  log.warn({ err, projectIds: [...failed.keys()] }, "could not end the periods of these projects, trying again");
};
const endPeriods = createLoop({
  name: "end-periods",
  runOnce: () =>
    redis.client.status === "ready" ? endDuePeriods(stores, loader, onPeriodsNotEnded) : Promise.resolve(false),
  idleMs: END_PERIODS_MS,
  log,
});
const queue = jobs.queue(QUEUES.launches);
const sweep = createLoop({
  name: "sweep-days",
  runOnce: async () => {
    const { LAUNCH_TIMEZONE: zone, FINALIZE_DELAY_MS: delayMs } = config;
    await sweepDays({ pool: postgres.pool, archive, queue, zone, delayMs, now, metrics, log });
    return false;
  },
  idleMs: config.FINALIZE_SWEEP_MS,
  log,
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("mongo", mongo.close),
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("jobs", jobs.close),
    createSettingsCheck({ ...postgres.settings, log }),
    createHealthServer({ port: config.FINALIZER_PORT, health, log }),
    endPeriods,
    sweep,
    createDayWorker({ jobs, stores, source, metrics, now, log }),
  ],
});

function createSource({ EXTERNAL_VOTES_URL: url, EXTERNAL_VOTES_SECRET: secret, ...c }: Config): VoteSource {
  const own = new OwnVotesSource(stores);
  if (url === undefined) return own;
  if (secret === undefined) log.warn({ url }, "EXTERNAL_VOTES_SECRET is not set: requests there are not signed");
  return new ExternalVotesSource({ url, secret, timeoutMs: c.EXTERNAL_VOTES_TIMEOUT_MS }, own);
}
