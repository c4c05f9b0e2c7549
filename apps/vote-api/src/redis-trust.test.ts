/** Establishing trust takes as long as it takes, whatever happens meanwhile, and is done by one replica at a time. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { connectPostgres, type PostgresConnection } from "@votesync/postgres-store";
import { FallbackRecovery, HeldProjects, ProjectLoader } from "@votesync/reconcile";
import { connectRedis, RedisClock, type RedisConnection, readEpoch } from "@votesync/redis-store";
import { createLogger } from "@votesync/service-kit";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import pg from "pg";
import { DegradedHere } from "./degraded-here.js";
import { createFastPath } from "./fast-path.js";
import { RecoveryLoop } from "./recovery-loop.js";
import { RedisTrust } from "./redis-trust.js";

const log = createLogger({ service: "redis-trust-test", level: "silent" });
const IDLE_TIMEOUT_MS = 100;

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "redis-trust-test", log });
  redis = connectRedis({ url: testRedisUrl(), name: "redis-trust-test", log });
  await waitFor("redis", () => redis.client.status === "ready");
  names = new RedisNames(1, uniqueName("redis-trust"));
  await postgres.pool.query("DELETE FROM shard_progress WHERE shard > 0");
});
afterEach(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

function newTrust(pool: pg.Pool = postgres.pool): RedisTrust {
  const stores = { redis: redis.client, names, pool };
  return new RedisTrust({ stores, recovery: new FallbackRecovery(stores, new ProjectLoader(stores)), log });
}

const degradeMany = (count: number) =>
  postgres.pool.query(
    `WITH made AS (
       INSERT INTO projects (id, title, owner_id, upvotes, version)
       SELECT 'p' || n, 'p', 'owner', 1, 7 FROM generate_series(1, $1) AS n
     )
     INSERT INTO outbox (request_id, shard, project_id, period, user_id, action, vote_type, previous_vote_type, previous_at,
                         version, upvotes, downvotes, accepted_at)
     SELECT '0.request-' || n, 0, 'p' || n, 0, 'ann', 'created', 'up', 'none', 'epoch', 7, 1, 0, now() - interval '1 min'
       FROM generate_series(1, $1) AS n`,
    [count],
  );

test("with 50,000 degraded projects trust is established, while votes keep asking for it, and recovery proceeds", async () => {
  await degradeMany(50_000);
  const trust = newTrust();
  const stores = { redis: redis.client, names, pool: postgres.pool };
  const degraded = new DegradedHere(redis.client, names);
  const fastPath = createFastPath({ ...stores, clock: new RedisClock(), trust, degraded, onBreaker: () => undefined });
  const vote = (user: string) =>
    fastPath.cast({
      requestId: `0.${user}`,
      projectId: "p1",
      userId: user,
      voteType: "up",
      limit: { max: 0, windowMs: 1 },
    });
  await waitFor("trust", async () => {
    await Promise.allSettled(Array.from({ length: 10 }, (_, i) => vote(`user${i}`)));
    return trust.isCertain;
  });
  // Held: somebody has to load it first.
  await waitFor("a vote to reach Redis", async () => (await vote("ann")).kind === "absent");

  const loader = new ProjectLoader(stores);
  const recovery = new FallbackRecovery(stores, loader);
  const held = new HeldProjects(stores, loader);
  let recovered = 0;
  const onRecovered = (report: { recovered: number }) => {
    recovered += report.recovered;
  };
  const loop = new RecoveryLoop({ trust, recovery, degraded, held, onRecovered, log });
  expect(await loop.runOnce()).toBe(true);
  expect(recovered).toBe(200);
});

/** Remembers each epoch that a shard gets. */
const watchEpochs = () =>
  postgres.pool.query(`
    CREATE TABLE epochs (epoch text);
    CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN INSERT INTO epochs VALUES (new.epoch); RETURN new; END $$;
    CREATE TRIGGER remember AFTER UPDATE OF epoch ON shard_progress FOR EACH ROW EXECUTE FUNCTION remember()`);

const RUNS_LONG = `
  SELECT FROM pg_stat_activity
   WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE shard_progress%'
     AND clock_timestamp() - query_start > interval '${IDLE_TIMEOUT_MS * 5} ms'`;

test("a rebuild that takes longer than a transaction may be idle is done once, and others come to trust without it", async () => {
  await newTrust().ensure();
  await watchEpochs();
  await redis.client.set(names.epoch(0), "of another Redis");
  const pool = new pg.Pool({ connectionString: database.url, idle_in_transaction_session_timeout: IDLE_TIMEOUT_MS });
  pool.on("error", () => undefined);
  const slow = await postgres.pool.connect();
  await slow.query("BEGIN");
  await slow.query("SELECT FROM shard_progress FOR UPDATE");

  const [first, second] = [newTrust(pool), newTrust(pool)];
  const rebuilt = first.ensure();
  await waitFor("the rebuild to take long", async () => (await postgres.pool.query(RUNS_LONG)).rowCount === 1);
  await expect(second.ensure()).rejects.toMatchObject({ name: "ShardInRebuildError" });
  expect(second.isTrusted).toBe(false);
  await slow.query("COMMIT");
  slow.release();

  await rebuilt;
  await second.ensure();
  expect([first.isCertain, second.isCertain]).toEqual([true, true]);
  const { rows } = await postgres.pool.query("SELECT epoch FROM epochs");
  expect(rows).toEqual([{ epoch: await readEpoch(redis.client, names, 0) }]);
  await pool.end();
});
