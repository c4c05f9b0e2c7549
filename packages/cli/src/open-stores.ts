/** The stores a command works on, from the environment; closed when its work is done, however that ends. */
import { setTimeout as delay } from "node:timers/promises";
import { installationSettingsShape, RedisNames, type SettingName } from "@votesync/core";
import { connectJobs, type Jobs } from "@votesync/jobs";
import type { LaunchStores } from "@votesync/launch";
import { connectMongo, LaunchArchive, mongoConfigShape } from "@votesync/mongo-store";
import { connectPostgres, postgresConfigShape } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { connectRedis, redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { createLogger, parseConfig } from "@votesync/service-kit";
import { z } from "zod";
import { withSettingsInForce } from "./settings-env.js";
import { stderrLog } from "./stderr-log.js";

const READY_WAIT_MS = 5_000;
const READY_POLL_MS = 20;
/** Those that commands use. Limits of votes are none of them. */
const SETTINGS: SettingName[] = ["VOTE_SHARDS", "LAUNCH_TIMEZONE", "LEADERBOARD_TIMEZONE", "POINTS_UP", "POINTS_DOWN"];

const configSchema = withRedisAddress(z.object({ ...postgresConfigShape, ...redisConfigShape }));
const launchConfigSchema = z.object({
  ...mongoConfigShape,
  LAUNCH_TIMEZONE: installationSettingsShape.LAUNCH_TIMEZONE,
});

/**
 * Redis may still be connecting, or be away: what needs it waits for `redisReady`.
 * @param work gets the environment too, with the settings in force where it has none
 */
export async function withStores<T>(
  name: string,
  work: (stores: Stores, env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const config = parseConfig(configSchema, process.env);
  const postgres = connectPostgres({ url: config.DATABASE_URL, name, poolSize: 4, log: stderrLog });
  const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name, log: stderrLog });
  try {
    const env = await withSettingsInForce(postgres.pool, process.env, SETTINGS);
    const names = new RedisNames(parseConfig(configSchema, env).VOTE_SHARDS);
    return await work({ redis: redis.client, pool: postgres.pool, names }, env);
  } finally {
    await redis.close();
    await postgres.close();
  }
}

/** With the zone that launch days are days of. What MongoDB cannot do says so itself. */
export async function withLaunchStores<T>(
  name: string,
  work: (stores: LaunchStores, zone: string) => Promise<T>,
): Promise<T> {
  parseConfig(launchConfigSchema, process.env);
  return withStores(name, async (stores, env) => {
    const config = parseConfig(launchConfigSchema, env);
    const mongo = connectMongo({ url: config.MONGO_URL, log: stderrLog });
    try {
      await untilReady(() => mongo.ping().then(isDone, isNotDone));
      return await work({ ...stores, archive: new LaunchArchive(mongo.connection) }, config.LAUNCH_TIMEZONE);
    } finally {
      await mongo.close();
    }
  });
}

/** Where services find their work. */
export async function withJobs<T>(name: string, work: (jobs: Jobs) => Promise<T>): Promise<T> {
  const config = parseConfig(configSchema, process.env);
  const log = createLogger({ service: name, level: "silent" });
  const jobs = connectJobs({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name, log });
  try {
    return await work(jobs);
  } finally {
    await jobs.close();
  }
}

/** A connection that is still being made fails every call; one that cannot be made says so itself. */
export const redisReady = ({ redis }: Stores): Promise<void> => untilReady(async () => redis.status === "ready");

export async function untilReady(isReady: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WAIT_MS;
  while (!(await isReady()) && performance.now() < giveUpAtMs) await delay(READY_POLL_MS);
}

export const isDone = () => true;
export const isNotDone = () => false;
