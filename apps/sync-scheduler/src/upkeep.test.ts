import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connectPostgres, type PostgresConnection } from "@votesync/postgres-store";
import { createLogger } from "@votesync/service-kit";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import { keepUp } from "./upkeep.js";

const log = createLogger({ service: "upkeep-test", level: "silent" });

let database: TestDatabase;
let postgres: PostgresConnection;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "upkeep-test", log });
});
afterEach(async () => {
  await postgres.close();
  await database.drop();
});

const run = (now: string, auditRetentionDays = 0) =>
  keepUp({ pool: postgres.pool, auditRetentionDays, shards: [], now: () => new Date(now), log });

async function insertEvent(at: string, version: number): Promise<void> {
  await postgres.pool.query(
    `INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                              upvotes, downvotes, request_id, stream_id)
     VALUES ('p', $2, $1, 0, 'ann', 'created', 'up', 'none', 1, 0, 'r', '0-1')`,
    [at, version],
  );
}

async function eventsByTable(): Promise<Record<string, number>> {
  const { rows } = await postgres.pool.query<{ name: string; events: number }>(
    "SELECT tableoid::regclass::text AS name, count(*) AS events FROM vote_events GROUP BY 1 ORDER BY 1",
  );
  return Object.fromEntries(rows.map(({ name, events }) => [name, events]));
}

test("partitions are made ahead, also where events of the month are in the default one already", async () => {
  await insertEvent("2031-05-20T10:00:00Z", 1);
  await insertEvent("2031-07-01T00:00:00Z", 2);
  expect(await eventsByTable()).toEqual({ vote_events_default: 2 });
  await run("2031-05-25T00:00:00Z");
  await run("2031-05-25T00:00:00Z");
  expect(await eventsByTable()).toEqual({ vote_events_2031_05: 1, vote_events_2031_07: 1 });
  await insertEvent("2031-06-01T00:00:00Z", 3);
  expect(await eventsByTable()).toMatchObject({ vote_events_2031_06: 1 });
});

test("months that ended longer ago than wanted are gone, whole months only", async () => {
  await run("2031-05-25T00:00:00Z");
  await insertEvent("2031-05-31T23:59:59Z", 1);
  await insertEvent("2031-06-01T00:00:00Z", 2);
  await insertEvent("2030-01-01T00:00:00Z", 3);
  await run("2031-07-10T00:00:00Z", 0);
  expect(Object.values(await eventsByTable()).reduce((sum, events) => sum + events, 0)).toBe(3);
  await run("2031-07-10T00:00:00Z", 30);
  expect(await eventsByTable()).toEqual({ vote_events_2031_06: 1 });
});

test("votes of the fallback that Redis knows, and notifications long read, are deleted", async () => {
  await postgres.pool.query(
    `INSERT INTO outbox (request_id, shard, project_id, period, user_id, action, vote_type, previous_vote_type, previous_at,
                         version, upvotes, downvotes, accepted_at, recovered_at)
     SELECT 'r' || i, 0, 'p', 0, 'ann', 'created', 'up', 'none', now(), i, 1, 0, now(),
            CASE WHEN i < 3 THEN now() - i * interval '24 hours 30 minutes' END
       FROM generate_series(1, 3) AS i`,
  );
  await postgres.pool.query(
    `INSERT INTO notifications (user_id, kind, project_id, milestone, text, read_at)
     VALUES ('ann', 'milestone', 'p', 10, 'old', now() - interval '91 days'), ('ann', 'milestone', 'p', 25, 'new', NULL)`,
  );
  await run("2031-05-25T00:00:00Z");
  const rows = async (sql: string) => (await postgres.pool.query(sql)).rows;
  expect(await rows("SELECT request_id FROM outbox ORDER BY 1")).toEqual([{ request_id: "r1" }, { request_id: "r3" }]);
  expect(await rows("SELECT text FROM notifications")).toEqual([{ text: "new" }]);
});
