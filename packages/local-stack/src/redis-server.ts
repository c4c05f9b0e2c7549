/**
 * Redis as this project promises it: every write in the append-only file and fsynced before it is answered, nothing
 * evicted, no snapshots beside it, reachable from this machine only.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findOnPath } from "./find-on-path.js";
import { installSystemPackage, type SystemPackage } from "./install-package.js";
import { pingRedis } from "./ping.js";
import { type ServerProcess, type ServerSetup, type ServerSource, StoreUnavailableError } from "./server-setup.js";
import { startServer } from "./start-server.js";

const PROGRAMS = ["redis-server", "valkey-server"];
const REDIS_PACKAGE: SystemPackage = {
  what: "Redis",
  aptGet: "redis-server",
  dnf: ["redis", "valkey"],
  apk: ["redis", "valkey"],
  brew: ["redis"],
  // Ours has its own port and data.
  debianService: "redis-server",
};
const ADVICE =
  'Install it ("apt-get install redis-server", "brew install redis", …), or set REDIS_URL to a server you have.';

const SETTINGS = {
  bind: "127.0.0.1",
  "protected-mode": "yes",
  appendonly: "yes",
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
  save: "",
};

export interface RedisSetup extends ServerSetup {
  /** More lines of redis.conf, for tests: `{ "cluster-enabled": "yes" }`. */
  settings?: Record<string, string>;
}

/** Finds the program, or installs it. @throws {StoreUnavailableError} */
export async function findRedis(setup: RedisSetup): Promise<ServerSource> {
  let program = await findOnPath(PROGRAMS, setup.env ?? process.env);
  const tried = ["REDIS_URL and REDIS_CLUSTER are not set", `neither ${PROGRAMS.join(" nor ")} is on PATH`];
  if (program === null) {
    tried.push(await installSystemPackage(setup, REDIS_PACKAGE));
    program = await findOnPath(PROGRAMS, setup.env ?? process.env);
  }
  if (program === null) throw new StoreUnavailableError("Redis", tried, ADVICE);
  const found = program;
  return {
    description: `Redis (${found})`,
    isStandIn: false,
    start: (signal) => startRedis(setup, found, signal),
  };
}

export async function startRedisServer(setup: RedisSetup): Promise<ServerProcess> {
  return (await findRedis(setup)).start(setup.signal);
}

async function startRedis(setup: RedisSetup, program: string, signal?: AbortSignal): Promise<ServerProcess> {
  const folder = join(setup.dataDir, "redis");
  await mkdir(folder, { recursive: true });
  const url = `redis://127.0.0.1:${setup.port}`;
  const settings = { port: String(setup.port), dir: folder, ...SETTINGS, ...setup.settings };
  const server = {
    name: "redis",
    url,
    portVariable: "REDIS_PORT",
    command: [program, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])] as [
      string,
      ...string[],
    ],
    cwd: folder,
    stopSignal: "SIGTERM" as const,
    assertReady: () => pingRedis(url),
  };
  return startServer(setup, server, signal);
}
