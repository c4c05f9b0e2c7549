import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import mongoose from "mongoose";
import { freePort } from "./free-port.js";
import { startMongoServer } from "./mongo-server.js";
import { withPostgres } from "./ping.js";
import { startPostgresServer } from "./postgres-server.js";
import { identifyProcess } from "./process-identity.js";
import { startRedisServer } from "./redis-server.js";
import type { ServerProcess, ServerSetup } from "./server-setup.js";
import { startServers } from "./start-servers.js";
import { rememberingLog, withFolder } from "./testing.js";

const started: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function keep(starting: Promise<ServerProcess>): Promise<ServerProcess> {
  const server = await starting;
  started.push(server);
  return server;
}

async function setUp(dataDir: string): Promise<ServerSetup & { log: ReturnType<typeof rememberingLog> }> {
  return { dataDir, port: await freePort(), log: rememberingLog(), throwAwayData: true };
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function countInMongo(url: string, inserted: number): Promise<number> {
  const connection = await mongoose.createConnection(url).asPromise();
  try {
    const collection = connection.collection("things");
    for (let n = 0; n < inserted; n++) await collection.insertOne({ n });
    return await collection.countDocuments();
  } finally {
    await connection.close();
  }
}

const rowCount = (url: string) =>
  withPostgres(url, async (client) => (await client.query("SELECT count(*)::int AS n FROM things")).rows[0].n);

describe("Redis", () => {
  test("is set up so that an answered write survives kill -9", () =>
    withFolder(async (dataDir) => {
      const setup = await setUp(dataDir);
      const first = await keep(startRedisServer(setup));
      await withRedis(first.url, async (redis) => {
        await redis.set("name", "kept");
        expect(await redis.config("GET", "appendfsync")).toEqual(["appendfsync", "always"]);
        expect(await redis.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
        expect(await redis.config("GET", "save")).toEqual(["save", ""]);
      });
      await first.kill9();
      const second = await keep(startRedisServer(setup));
      expect(await withRedis(second.url, (redis) => redis.get("name"))).toBe("kept");
    }));

  test("is refused while one runs on the same data, and the running one goes on", () =>
    withFolder(async (dataDir) => {
      const first = await keep(startRedisServer(await setUp(dataDir)));
      await expect(startRedisServer(await setUp(dataDir))).rejects.toThrow(`redis already runs on ${dataDir}`);
      expect(await withRedis(first.url, (redis) => redis.ping())).toBe("PONG");
    }));

  test("says which port is taken and what to change", () =>
    withFolder(async (dataDir) => {
      const setup = await setUp(dataDir);
      const stranger = createServer().listen(setup.port, "127.0.0.1");
      try {
        const message = `port ${setup.port}, wanted for redis, is taken by another program: set REDIS_PORT`;
        await expect(startRedisServer(setup)).rejects.toThrow(message);
      } finally {
        stranger.close();
      }
    }));

  test("that cannot start says why", () =>
    withFolder(async (dataDir) => {
      const setup = { ...(await setUp(dataDir)), settings: { maxmemory: "a lot" } };
      await expect(startRedisServer(setup)).rejects.toThrow(/ended before it was ready \(exit code 1\).*maxmemory/s);
    }));
});

describe("PostgreSQL", () => {
  test("keeps its data through kill -9, and gives an ordinary user a database of its own", () =>
    withFolder(async (dataDir) => {
      const setup = await setUp(dataDir);
      const first = await keep(startPostgresServer(setup));
      await withPostgres(first.url, async (client) => {
        await client.query("CREATE TABLE things (n int)");
        await client.query("INSERT INTO things VALUES (1)");
        const { rows } = await client.query("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user");
        expect(rows).toEqual([{ rolsuper: false, rolcreatedb: true }]);
      });
      await first.kill9();
      const second = await keep(startPostgresServer(setup));
      expect(await rowCount(second.url)).toBe(1);
    }));

  test("does not stumble over the pid file of a dead one whose pid another program has now", () =>
    withFolder(async (dataDir) => {
      const setup = await setUp(dataDir);
      await (await keep(startPostgresServer(setup))).stop();
      await writeFile(join(dataDir, "postgres", "postmaster.pid"), `${process.pid}\n`);
      await keep(startPostgresServer(setup));
      expect(setup.log.messages).toContain("removing the pid file of a PostgreSQL that is gone");
    }));

  test("makes a new data folder where an earlier start was interrupted, and throws nothing away", () =>
    withFolder(async (dataDir) => {
      await mkdir(join(dataDir, "postgres.part", "base"), { recursive: true });
      await mkdir(join(dataDir, "postgres"));
      await writeFile(join(dataDir, "postgres", "PG_VERSION"), "");
      await keep(startPostgresServer(await setUp(dataDir)));
      const names = await readdir(dataDir);
      expect(names).toContainEqual(expect.stringMatching(/^postgres\.broken-\d+$/));
      expect(names).not.toContain("postgres.part");
    }));
});

describe("MongoDB or its stand-in", () => {
  test("keeps acknowledged documents through kill -9", () =>
    withFolder(async (dataDir) => {
      const setup = await setUp(dataDir);
      const first = await keep(startMongoServer(setup));
      expect(await countInMongo(first.url, 20)).toBe(20);
      await first.kill9();
      const second = await keep(startMongoServer(setup));
      expect(await countInMongo(second.url, 0)).toBe(20);
    }));
});

describe("all servers together", () => {
  test("start side by side and stop without leaving a process", () =>
    withFolder(async (dataDir) => {
      const ports = { redis: await freePort(), postgres: await freePort(), mongo: await freePort() };
      const env = { PATH: process.env.PATH };
      const servers = await startServers({ dataDir, ports, env, log: rememberingLog(), throwAwayData: true });
      const processes = Object.values(servers.processes);
      expect(processes.map(({ name }) => name).sort()).toEqual(["mongo", "postgres", "redis"]);
      await servers.stop();
      for (const { pid } of processes) expect(await identifyProcess(pid)).toBeNull();
    }));

  test("are all stopped again when one cannot start", () =>
    withFolder(async (dataDir) => {
      const port = await freePort();
      const stranger = createServer().listen(port, "127.0.0.1");
      try {
        const ports = { redis: await freePort(), postgres: port, mongo: port };
        const env = { PATH: process.env.PATH };
        const need = ["redis", "postgres"] as const;
        const log = rememberingLog();
        await expect(startServers({ dataDir, ports, env, log, need, throwAwayData: true })).rejects.toThrow("taken");
        await expect(stat(join(dataDir, "run", "redis.json"))).rejects.toThrow("ENOENT");
      } finally {
        stranger.close();
        await rm(dataDir, { recursive: true, force: true });
      }
    }));
});
