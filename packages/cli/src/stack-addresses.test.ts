/** Which servers a command talks to, while a stack runs on this machine and while none does. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createTestDatabase, OwnRedis, type TestDatabase } from "@votesync/testkit";
import { describeStackAddresses, useStackAddresses } from "./stack-addresses.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "votesync-cli-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

const stackRuns = (addresses: Record<string, string>) =>
  writeFile(
    join(dataDir, "votesync.env"),
    Object.entries(addresses)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );

function use(given: NodeJS.ProcessEnv) {
  const env = { DATA_DIR: dataDir, ...given };
  const said = describeStackAddresses(useStackAddresses(env));
  return { env, said };
}

test("what is given wins over the running stack, each address by itself", async () => {
  await stackRuns({ REDIS_URL: "redis://stack", DATABASE_URL: "postgresql://stack/v", MONGO_URL: "mongodb://stack/v" });
  const { env } = use({ DATABASE_URL: "postgresql://given/v", MONGO_URL: "" });
  expect(env).toMatchObject({
    REDIS_URL: "redis://stack",
    DATABASE_URL: "postgresql://given/v",
    MONGO_URL: "mongodb://stack/v",
  });
});

test.each([
  ["REDIS_URL", "redis://given", "REDIS_CLUSTER", "stack:1,stack:2"],
  ["REDIS_CLUSTER", "given:1", "REDIS_URL", "redis://stack"],
])("a given %s is the only Redis, whichever kind the stack has", async (name, given, other, ofStack) => {
  await stackRuns({ [other]: ofStack });
  const { env, said } = use({ [name]: given });
  expect(env).toEqual({ DATA_DIR: dataDir, [name]: given });
  expect(said).toBeNull();
});

test("what is taken from the stack is said, without passwords", async () => {
  await stackRuns({ REDIS_CLUSTER: "a:1,b:2", DATABASE_URL: "postgresql://me:secret@stack/v" });
  expect(use({}).said).toBe(
    `the servers of the running stack (${dataDir}/votesync.env): ` +
      "DATABASE_URL=postgresql://me:***@stack/v REDIS_CLUSTER=a:1,b:2",
  );
});

test("while no stack runs there is nothing to take, and nothing to say", () => {
  expect(use({})).toEqual({ env: { DATA_DIR: dataDir }, said: null });
});

describe("the command itself", () => {
  let redis: OwnRedis;
  let database: TestDatabase;

  beforeEach(async () => {
    redis = await OwnRedis.start();
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await redis.remove();
    await database.drop();
  });

  const verify = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [MAIN, "votes", "verify", "--json", "--timeout", "1"], {
      env: { DATA_DIR: dataDir, ...env },
      encoding: "utf8",
    });

  test("talks to the Redis it is given, though a stack with a cluster runs from the same data folder", async () => {
    await stackRuns({ REDIS_CLUSTER: NOWHERE, DATABASE_URL: database.url });
    const { status, stdout, stderr } = verify({ REDIS_URL: redis.url });
    expect({ status, report: JSON.parse(stdout || "{}") }).toMatchObject({ status: 0, report: { ok: true } });
    const said = `votesync: the servers of the running stack (${dataDir}/votesync.env): DATABASE_URL=postgresql://`;
    expect(stderr.startsWith(said)).toBe(true);
  });
});
