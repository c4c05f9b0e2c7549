/**
 * The one way this project talks to Redis: bounded, and honest about failure.
 *
 * Measured on ioredis 6: with its defaults a request hangs for more than 60 s while Redis is down and for ever while
 * it is frozen; only `commandTimeout` bounds both. There is no offline queue: a command given while the connection is
 * away fails at once, and the caller decides. A command whose reply got lost is sent again after a reconnect, so
 * every write here must be harmless when it runs twice (`autoResendUnfulfilledCommands: false` would leave its promise
 * unsettled for ever).
 */
import { installationSettingsShape } from "@votesync/core";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { z } from "zod";
import { SCRIPTS } from "./scripts.js";
import { writeOncePerTick } from "./write-per-tick.js";

export type RedisClient = Redis | Cluster;

/** What this package needs of a logger; pino's fits. */
export interface ConnectionLog {
  info(info: object, message: string): void;
  warn(info: object, message: string): void;
}

export interface RedisConnection {
  readonly client: RedisClient;
  /** @throws when Redis does not answer, or is set up so that it may lose answered votes. */
  ping(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Environment variables every service with Redis shares. */
export const redisConfigShape = {
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  REDIS_CLUSTER: z
    .string()
    .regex(/^[^,\s:]+:\d+(,[^,\s:]+:\d+)*$/, "must be host:port,host:port,…")
    .optional(),
  VOTE_SHARDS: installationSettingsShape.VOTE_SHARDS,
};

/** For a service's whole schema: a Redis must be named, one or a cluster. */
export function withRedisAddress<S extends z.ZodType<{ REDIS_URL?: unknown; REDIS_CLUSTER?: unknown }>>(schema: S): S {
  return schema.refine(({ REDIS_URL, REDIS_CLUSTER }) => (REDIS_URL ?? REDIS_CLUSTER) !== undefined, {
    message: "set REDIS_URL or REDIS_CLUSTER",
  });
}

const COMMAND_TIMEOUT_MS = 1_000;
const MAX_RECONNECT_DELAY_MS = 1_000;

const reconnectDelayMs = (attempt: number) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS);

const OPTIONS = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: 2_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: reconnectDelayMs,
} satisfies RedisOptions;

/** Connects in the background and keeps trying; commands fail at once until it succeeds. */
export function connectRedis(o: {
  url?: string | undefined;
  cluster?: string | undefined;
  name: string;
  log: ConnectionLog;
}): RedisConnection {
  const client = o.cluster === undefined ? connectOne(o.url, o.name) : connectCluster(o.cluster, o.name);
  client.on("error", (error: Error) => o.log.warn({ err: error.message }, "redis connection error"));
  client.on("ready", () => o.log.info({ name: o.name }, "redis connection ready"));
  return {
    client,
    ping: () => checkRedis(client),
    // "disconnect" also ends a connection that is still trying; nothing is queued that could get lost.
    close: async () => client.disconnect(),
  };
}

function connectOne(url: string | undefined, name: string): Redis {
  if (url === undefined) throw new Error("set REDIS_URL or REDIS_CLUSTER");
  return writeOncePerTick(new Redis(url, { ...OPTIONS, connectionName: name, scripts: SCRIPTS }));
}

function connectCluster(nodes: string, name: string): Cluster {
  const startupNodes = nodes.split(",").map((node) => {
    const [host, port] = node.split(":");
    return { host: host as string, port: Number(port) };
  });
  return new Cluster(startupNodes, {
    redisOptions: { ...OPTIONS, connectionName: name },
    // Only ioredis knows which node a command goes to.
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    scripts: SCRIPTS,
    clusterRetryStrategy: reconnectDelayMs,
  });
}

/** Settings without which an answered vote can vanish although Redis is healthy. */
const SAFE_SETTINGS = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" } as const;

async function checkRedis(client: RedisClient): Promise<Record<string, unknown>> {
  const weaknesses = await weakSettings(client);
  return weaknesses.length === 0 ? {} : { weaker_than_promised: weaknesses };
}

/** Which settings of the server are weaker than promised; empty when it may not be asked (managed servers). */
async function weakSettings(client: RedisClient): Promise<string[]> {
  await client.ping();
  const weaknesses: string[] = [];
  for (const [setting, wanted] of Object.entries(SAFE_SETTINGS)) {
    const reply = await client.config("GET", setting).catch(() => null);
    const found = Array.isArray(reply) ? reply[1] : undefined;
    if (typeof found === "string" && found !== wanted) weaknesses.push(`${setting} is ${found}, not ${wanted}`);
  }
  return weaknesses;
}
