/** The scheduler as users run it: a process, on real servers. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connectPostgres, type PostgresConnection } from "@votesync/postgres-store";
import { DEVELOPMENT_SECRET } from "@votesync/service-kit";
import { createTestDatabase, OwnRedis, ServiceProcess, type TestDatabase, waitFor } from "@votesync/testkit";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let redis: OwnRedis;
let database: TestDatabase;
let postgres: PostgresConnection;
let scheduler: ServiceProcess;

beforeAll(async () => {
  redis = await OwnRedis.start();
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "scheduler-test", log: { warn: () => undefined } });
  const env = { REDIS_URL: redis.url, DATABASE_URL: database.url, SYNC_INTERVAL_MS: "100" };
  scheduler = await ServiceProcess.start("sync-scheduler", env);
});
afterAll(async () => {
  await scheduler.kill9();
  await redis.remove();
  await postgres.close();
  await database.drop();
});

async function readiness() {
  const response = await fetch(`${scheduler.url}/readyz`);
  return { status: response.status, report: await response.json() };
}

test("it is ready with Redis and PostgreSQL, and shows its figures", async () => {
  expect(await readiness()).toMatchObject({
    status: 200,
    report: { service: "sync-scheduler", checks: { redis: { status: "up" }, postgres: { status: "up" } } },
  });
  const metrics = await fetch(`${scheduler.url}/metrics`);
  expect(await metrics.text()).toContain('service="sync-scheduler"');
});

test("a project whose counts changed gets its sort keys", async () => {
  // Rows first: counters without rows would be set right.
  await postgres.pool.query(
    `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
     SELECT 'p', 0, 'user ' || i, CASE WHEN i <= 10 THEN 'up' ELSE 'down' END::vote_type, i, now()
       FROM generate_series(1, 13) AS i`,
  );
  await postgres.pool.query(
    "INSERT INTO projects (id, title, owner_id, upvotes, downvotes, version) VALUES ('p', 'P', 'ann', 10, 3, 7)",
  );
  const ranked = await waitFor("the project to be ranked", async () => {
    const { rows } = await postgres.pool.query("SELECT * FROM projects WHERE id = 'p' AND ranked_version = 7");
    return rows[0] as object | undefined;
  });
  expect(ranked).toMatchObject({ rank_top: 7, rank_best: expect.closeTo(0.497, 2) });
});

test("while Redis is away it is alive and not ready, and it is ready again without a manual step", async () => {
  await redis.kill9();
  expect(
    await waitFor("it to be unready", async () => (await readiness()).status === 503 && readiness()),
  ).toMatchObject({
    status: 503,
    report: { status: "down", checks: { redis: { status: "down" }, postgres: { status: "up" } } },
  });
  const alive = await fetch(`${scheduler.url}/healthz`);
  expect([alive.status, await alive.json()]).toEqual([200, { status: "ok", service: "sync-scheduler" }]);
  await redis.restart();
  await waitFor("it to be ready again", async () => (await readiness()).status === 200);
});

test("SIGTERM ends it with exit code 0, and no connection to PostgreSQL is left", async () => {
  expect(await scheduler.stop()).toBe(0);
  const { rows } = await postgres.pool.query(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sync-scheduler'",
  );
  expect(rows).toEqual([]);
});

test.each<[string, NodeJS.ProcessEnv, string]>([
  ["without its stores' addresses", {}, "DATABASE_URL: is not set"],
  [
    "in production with the development secret",
    { NODE_ENV: "production", AUTH_JWT_SECRET: DEVELOPMENT_SECRET, DATABASE_URL: "postgres://db/votes" },
    "AUTH_JWT_SECRET is the development secret",
  ],
  ["with an interval of no use", { DATABASE_URL: "postgres://db/votes", SYNC_INTERVAL_MS: "1" }, "SYNC_INTERVAL_MS: "],
])("%s it refuses to start and says why", (_when, env, words) => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN], { env, timeout: 10_000 });
  expect(status).toBe(1);
  expect(stderr.toString()).toContain(words);
});
