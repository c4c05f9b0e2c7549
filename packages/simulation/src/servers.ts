/** A Redis and a PostgreSQL that are thrown away. Speed is all that counts: nothing here survives a crash of the machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startRedisServer, startServers } from "@votesync/local-stack";
import { connectPostgres, ensureEventPartitions, migrate } from "@votesync/postgres-store";

const log = { info: () => undefined, warn: (info: object, message: string) => console.error(message, info) };
const SILENT = { info: () => undefined, warn: () => undefined };

export interface TwoServers {
  redisUrl: string;
  databaseUrl: string;
  stop(): Promise<void>;
}

export async function startTwoServers(): Promise<TwoServers> {
  const dataDir = await mkdtemp(join(tmpdir(), "votesync-simulation-"));
  const ports = { redis: await freePort(), postgres: await freePort(), mongo: await freePort() };
  const env = { PATH: process.env.PATH };
  const servers = await startServers({ dataDir, ports, need: ["postgres"], env, log, throwAwayData: true });
  const redis = await startThrowAwayRedis(dataDir);
  await migrate(servers.databaseUrl);
  const postgres = connectPostgres({ url: servers.databaseUrl, name: "simulation", log: SILENT });
  await ensureEventPartitions(postgres.pool, new Date());
  await postgres.close();
  return {
    redisUrl: redis.url,
    databaseUrl: servers.databaseUrl,
    stop: async () => {
      await redis.stop();
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Without an append-only file, which costs a write to the disk per command. */
export async function startThrowAwayRedis(dataDir: string) {
  return startRedisServer({ port: await freePort(), dataDir, log: SILENT, settings: { appendonly: "no" } });
}
