import { connectMongo } from "@votesync/mongo-store";
import { connectRedis } from "@votesync/redis-store";
import {
  closing,
  createHealth,
  createHealthServer,
  createLogger,
  createMetrics,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { configSchema } from "./config.js";

const service = "finalizer";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const mongo = connectMongo({ url: config.MONGO_URL, log });

const { registry } = createMetrics(service);
const health = createHealth({
  service,
  registry,
  checks: [
    { name: "redis", required: true, check: redis.ping },
    { name: "mongo", required: true, check: mongo.ping },
  ],
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("mongo", mongo.close),
    closing("redis", redis.close),
    createHealthServer({ port: config.FINALIZER_PORT, health, log }),
  ],
});
