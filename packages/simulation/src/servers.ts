/** A Redis and a PostgreSQL that are thrown away. Speed is all that counts: nothing here survives a crash of the machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startRedisServer, startServers } from "@votesync/local-stack";
import { connectPostgres, ensureEventPartitions, migrate } from "@votesync/postgres-store";
import { log } from "./silent-log.js";

/** Why a server does not start, say. */
const warnings = { info: () => undefined, warn: (info: object, message: string) => console.error(message, info) };
const SETTINGS = { appendonly: "no", "stream-node-max-entries": "1" };

export interface TwoServers {
  redisUrl: string;
  /** One for each world. */
  databaseUrls: string[];
  stop(): Promise<void>;
}

export async function startTwoServers(worlds: number, env: { PATH: string | undefined }): Promise<TwoServers> {
  const dataDir = await mkdtemp(join(tmpdir(), "votesync-simulation-"));
  const ports = { redis: await freePort(), postgres: await freePort(), mongo: await freePort() };
  const servers = await startServers({ dataDir, ports, need: ["postgres"], env, log: warnings, throwAwayData: true });
  const redis = await startThrowAwayRedis(dataDir);
  await migrate(servers.databaseUrl);
  return {
    redisUrl: redis.url,
    databaseUrls: await createDatabases(servers.databaseUrl, worlds),
    stop: async () => {
      await redis.stop();
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The migrated one, and copies of it. */
async function createDatabases(databaseUrl: string, count: number): Promise<string[]> {
  const migrated = connectPostgres({ url: databaseUrl, name: "simulation", log });
  await ensureEventPartitions(migrated.pool, new Date());
  await migrated.close();
  const names = Array.from({ length: count - 1 }, (_, i) => `simulation_${i + 2}`);
  const template = new URL(databaseUrl).pathname.slice(1);
  const admin = connectPostgres({ url: withDatabase(databaseUrl, "postgres"), name: "simulation", log });
  for (const name of names) await admin.pool.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  await admin.close();
  return [databaseUrl, ...names.map((name) => withDatabase(databaseUrl, name))];
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/**
 * Without an append-only file, which costs a write to the disk per command; and with streams that are trimmed to the entry,
 * because the few of a history fit into one node.
 */
export async function startThrowAwayRedis(dataDir: string) {
  return startRedisServer({ port: await freePort(), dataDir, log, settings: SETTINGS });
}
