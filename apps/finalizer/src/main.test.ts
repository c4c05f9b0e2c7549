/** The finalizer as users run it: a process, on real servers. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DEVELOPMENT_SECRET } from "@votesync/service-kit";
import {
  createTestDatabase,
  OwnRedis,
  ServiceProcess,
  type TestDatabase,
  testMongoUrl,
  waitFor,
} from "@votesync/testkit";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let database: TestDatabase;
let redis: OwnRedis;
let finalizer: ServiceProcess;

beforeAll(async () => {
  redis = await OwnRedis.start();
  database = await createTestDatabase();
  finalizer = await ServiceProcess.start("finalizer", {
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
    MONGO_URL: testMongoUrl(),
  });
});
afterAll(async () => {
  await finalizer.kill9();
  await redis.remove();
  await database.drop();
});

async function readiness() {
  const response = await fetch(`${finalizer.url}/readyz`);
  return { status: response.status, report: await response.json() };
}

test("it is ready with Redis and MongoDB, and shows its figures", async () => {
  expect(await readiness()).toMatchObject({
    status: 200,
    report: {
      service: "finalizer",
      checks: { redis: { status: "up" }, postgres: { status: "up" }, mongo: { status: "up" } },
    },
  });
  const metrics = await fetch(`${finalizer.url}/metrics`);
  expect(await metrics.text()).toContain('service="finalizer"');
});

test("while Redis is away it is alive and not ready, and it is ready again without a manual step", async () => {
  await redis.kill9();
  expect(
    await waitFor("it to be unready", async () => (await readiness()).status === 503 && readiness()),
  ).toMatchObject({
    status: 503,
    report: { status: "down", checks: { redis: { status: "down" }, mongo: { status: "up" } } },
  });
  const alive = await fetch(`${finalizer.url}/healthz`);
  expect([alive.status, await alive.json()]).toEqual([200, { status: "ok", service: "finalizer" }]);
  await redis.restart();
  await waitFor("it to be ready again", async () => (await readiness()).status === 200);
});

test("SIGTERM ends it with exit code 0", async () => {
  expect(await finalizer.stop()).toBe(0);
});

test("it stops cleanly while Redis cannot be reached", async () => {
  await finalizer.restart();
  await redis.kill9();
  expect(await finalizer.stop()).toBe(0);
});

test.each<[string, NodeJS.ProcessEnv, string]>([
  ["without its stores' addresses", {}, "MONGO_URL: is not set"],
  [
    "in production with the development secret",
    { NODE_ENV: "production", AUTH_JWT_SECRET: DEVELOPMENT_SECRET, MONGO_URL: "mongodb://mongo/votes" },
    "AUTH_JWT_SECRET is the development secret",
  ],
])("%s it refuses to start and says why", (_when, env, words) => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN], { env, timeout: 10_000 });
  expect(status).toBe(1);
  expect(stderr.toString()).toContain(words);
});
