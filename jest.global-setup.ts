/**
 * Starts the servers the tests share, once per run, on free ports and with throw-away data, and migrates one database
 * that every test clones. Nothing of `.data/` is touched, so the tests may run beside a running stack.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startServers } from "@votesync/local-stack";
import { connectPostgres, ensureEventPartitions, ensureShards, migrate } from "@votesync/postgres-store";
import { TEST_SERVER_VARIABLES } from "@votesync/testkit";

const SHARDS = 8;
const log = { info: () => undefined, warn: (info: object, message: string) => console.warn(message, info) };

export default async function setUp(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "votesync-test-"));
  const ports = { redis: await freePort(), postgres: await freePort(), mongo: await freePort() };
  // Own servers even where REDIS_URL and the like are set: tests never touch data that somebody may want to keep.
  const servers = await startServers({ dataDir, ports, env: { PATH: process.env.PATH }, log, throwAwayData: true });
  const { redisUrl, databaseUrl, mongoUrl } = servers;
  if (redisUrl === undefined || databaseUrl === undefined) throw new Error("a server has no address");
  await migrate(databaseUrl);
  const postgres = connectPostgres({ url: databaseUrl, name: "test set-up", log });
  await ensureShards(postgres.pool, SHARDS);
  await ensureEventPartitions(postgres.pool, new Date());
  await postgres.close();
  process.env[TEST_SERVER_VARIABLES.redis] = redisUrl;
  process.env[TEST_SERVER_VARIABLES.postgres] = databaseUrl;
  process.env[TEST_SERVER_VARIABLES.mongo] = mongoUrl;
  globalThis.votesyncTestServers = { stop: () => servers.stop(), dataDir };
}

declare global {
  var votesyncTestServers: { stop(): Promise<void>; dataDir: string } | undefined;
}
