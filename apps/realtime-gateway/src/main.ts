import { RedisNames } from "@votesync/core";
import { connectMongo, LaunchArchive } from "@votesync/mongo-store";
import { connectPostgres } from "@votesync/postgres-store";
import { connectRedis } from "@votesync/redis-store";
import {
  closing,
  createLogger,
  createMetrics,
  createSettingsCheck,
  createTokenVerifier,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { configSchema } from "./config.js";
import { createGateway } from "./gateway.js";

const service = "realtime-gateway";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const postgres = connectPostgres({
  url: config.DATABASE_URL,
  config,
  name: service,
  poolSize: 4,
  queryTimeoutMs: 1_500,
  log,
});
const mongo = config.MONGO_URL === undefined ? null : connectMongo({ url: config.MONGO_URL, log });

const gateway = createGateway({
  redis,
  postgres,
  log,
  names: new RedisNames(config.VOTE_SHARDS),
  archive: mongo === null ? null : new LaunchArchive(mongo.connection),
  verifier: createTokenVerifier(config),
  registry: createMetrics(service).registry,
  nowMs: () => performance.now(),
  options: {
    port: config.REALTIME_PORT,
    corsOrigins: config.CORS_ORIGINS,
    trustsProxy: config.TRUST_PROXY,
    foldWindowMs: config.FOLD_WINDOW_MS,
    maxSocketsPerAddress: config.SOCKETS_PER_ADDRESS_MAX,
    maxPacketsPerSecond: config.SOCKET_EVENTS_PER_SECOND_MAX,
    maxRoomsPerSocket: config.SOCKET_ROOMS_MAX,
    launchZone: config.LAUNCH_TIMEZONE,
    leaderboardZone: config.LEADERBOARD_TIMEZONE,
  },
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("mongo", async () => mongo?.close()),
    createSettingsCheck({ ...postgres.settings, log }),
    ...gateway.services,
  ],
});
