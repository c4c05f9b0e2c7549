/**
 * Redis, PostgreSQL and MongoDB, wherever they come from: the given address, which is used as it is; a server on the
 * PATH; one that a package client fetches. Used by `pnpm start` and by the tests.
 */
import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import type { Guard } from "./guard.js";
import { StackError, type StackLog } from "./log.js";
import { startMongoServer } from "./mongo-server.js";
import { startPostgresServer } from "./postgres-server.js";
import { type LocalServer, startRedisServer } from "./redis-server.js";

export type StoreName = "redis" | "postgres" | "mongo";

export interface StartServersOptions {
  dataDir: string;
  ports: Record<StoreName, number>;
  /** Where `REDIS_URL`, `REDIS_CLUSTER`, `DATABASE_URL` and `MONGO_URL` may be. */
  env: NodeJS.ProcessEnv;
  log: StackLog;
  /** Start what dies again. */
  restart: boolean;
  guard?: Guard;
  /** `false` only for data that nobody will miss. */
  fsync?: boolean;
}

export interface RunningServers {
  /** What services need in their environment to find them. */
  env: Record<string, string>;
  /** What runs, a line each. */
  descriptions: string[];
  stop(): Promise<void>;
}

interface Store {
  /** Variables that name a given server. */
  given: string[];
  variable: string;
  start: (o: Parameters<typeof startPostgresServer>[0]) => Promise<LocalServer>;
}

const STORES: Record<StoreName, Store> = {
  redis: { given: ["REDIS_CLUSTER", "REDIS_URL"], variable: "REDIS_URL", start: startRedisServer },
  postgres: { given: ["DATABASE_URL"], variable: "DATABASE_URL", start: startPostgresServer },
  mongo: { given: ["MONGO_URL"], variable: "MONGO_URL", start: startMongoServer },
};

const REACH_TIMEOUT_MS = 3_000;

/** @throws {StackError}; then whatever was started is stopped again */
export async function startServers(o: StartServersOptions): Promise<RunningServers> {
  await mkdir(o.dataDir, { recursive: true });
  const started: LocalServer[] = [];
  const env: Record<string, string> = {};
  const descriptions: string[] = [];
  const stop = async () => void (await Promise.all(started.map((server) => server.process.stop())));

  async function provide(name: StoreName): Promise<void> {
    const { given, variable, start } = STORES[name];
    const givenVariable = given.find((candidate) => (o.env[candidate] ?? "") !== "");
    if (givenVariable !== undefined) {
      const value = o.env[givenVariable] as string;
      await assertReachable(givenVariable, value);
      env[givenVariable] = value;
      descriptions.push(`${name}: yours (${givenVariable})`);
      return;
    }
    const { restart, guard, log, dataDir } = o;
    const server = await start({ dataDir, port: o.ports[name], restart, guard, log, fsync: o.fsync ?? true });
    started.push(server);
    env[variable] = server.url;
    descriptions.push(`${name}: ${server.description}`);
  }

  const outcomes = await Promise.allSettled((Object.keys(STORES) as StoreName[]).map(provide));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
  if (failures.length === 0) return { env, descriptions, stop };
  await stop();
  throw new StackError(failures.map(({ message }) => message).join("\n\n"));
}

/** A given server is used as it is; that nobody listens there is worth saying at once, not after a minute of waiting. */
async function assertReachable(variable: string, value: string): Promise<void> {
  const first = (value.includes("://") ? value : `redis://${value}`).split(",")[0] as string;
  // An address that is looked up in DNS (mongodb+srv) has no port to knock at.
  if (!URL.canParse(first) || first.startsWith("mongodb+srv:")) return;
  const { hostname, port, protocol } = new URL(first);
  const defaults: Record<string, number> = { "redis:": 6379, "rediss:": 6379, "mongodb:": 27017 };
  await knock(hostname.replace(/^\[|\]$/g, ""), Number(port) || (defaults[protocol] ?? 5432)).catch((error: Error) => {
    throw new StackError(`${variable} is set, but nobody can be reached there: ${error.message}`);
  });
}

function knock(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    socket.setTimeout(REACH_TIMEOUT_MS, () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
    socket.once("connect", () => resolve(socket.destroy() as unknown as undefined));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
  });
}
