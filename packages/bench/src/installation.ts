/** What is measured: real servers with their safe settings, and real service processes, on data of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RedisNames } from "@votesync/core";
import { freePort, startServers } from "@votesync/local-stack";
import { connectPostgres, createProject, ensureEventPartitions, ensureShards, migrate } from "@votesync/postgres-store";
import { connectRedis } from "@votesync/redis-store";
import { ServiceProcess, TEST_SECRET, waitFor } from "@votesync/testkit";

const log = { info: () => undefined, warn: (info: object, message: string) => console.error(message, info) };

export type Installation = Awaited<ReturnType<typeof createInstallation>>;

export async function createInstallation() {
  const dataDir = await mkdtemp(join(tmpdir(), "votesync-bench-"));
  const ports = { redis: await freePort(), postgres: await freePort(), mongo: await freePort() };
  const servers = await startServers({
    dataDir,
    ports,
    need: ["redis", "postgres", "mongo"],
    env: { PATH: process.env.PATH },
    log,
  });
  const names = new RedisNames();
  await migrate(servers.databaseUrl);
  const postgres = connectPostgres({ url: servers.databaseUrl, name: "bench", poolSize: 32, log });
  await ensureShards(postgres.pool, names.shards);
  await ensureEventPartitions(postgres.pool, new Date());
  const redis = connectRedis({ url: servers.redisUrl, name: "bench", log });
  await waitFor("redis", () => redis.client.status === "ready");
  const env = {
    REDIS_URL: servers.redisUrl,
    DATABASE_URL: servers.databaseUrl,
    AUTH_JWT_SECRET: TEST_SECRET,
    HTTP_RATE_MAX: "0",
    HTTP_USER_RATE_MAX: "0",
    SOCKETS_PER_ADDRESS_MAX: "2000",
    LOG_LEVEL: "warn",
  };
  const api = await ServiceProcess.start("vote-api", env);
  const worker = await ServiceProcess.start("vote-worker", env);
  const gateway = await ServiceProcess.start("realtime-gateway", env);

  return {
    names,
    env,
    redisUrl: servers.redisUrl,
    mongoUrl: servers.mongoUrl,
    postgres,
    redis,
    api,
    worker,
    gateway,
    remove: async () => {
      await Promise.all([api.stop(), worker.stop(), gateway.stop()]);
      await redis.close();
      await postgres.close();
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export async function createProjects({ postgres }: Installation, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await createProject(postgres.prisma, { id, title: id, url: null, boardId: null, ownerId: "bench" }, new Date());
  }
}

/** @returns its address and what ends it */
export async function startHello(): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const script = fileURLToPath(new URL("./hello-server.js", import.meta.url));
  const child = spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return { url: `http://127.0.0.1:${port}/hello`, stop: () => child.kill() };
}
