import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connectPostgres, type PostgresConnection } from "@votesync/postgres-store";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import { CommitWatch } from "./commit-watch.js";

const SILENT = { warn: () => undefined };
/** Many times what two queries take. */
const PATIENT_MS = 10_000;

let database: TestDatabase;
let postgres: PostgresConnection;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "commit-watch-test", log: SILENT });
  await postgres.pool.query("UPDATE shard_progress SET last_id = '5-0'");
});
afterEach(async () => {
  await postgres.close();
  await database.drop();
});

const insert = (requestId: string) =>
  postgres.pool.query(
    `INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                              upvotes, downvotes, request_id, stream_id)
     VALUES ('p', 1, now(), 0, 'ann', 'created', 'up', 'none', 1, 0, $1, '4-0')`,
    [requestId],
  );

test("a request is committed once it stands in the audit log, whatever the watermark has passed", async () => {
  await insert("0.there");
  const watch = new CommitWatch(postgres.pool);
  const lost = watch.committed({ shard: 0, eventId: "4-0", requestId: "0.lost" }, 300);
  expect(await watch.committed({ shard: 0, eventId: "4-0", requestId: "0.there" }, PATIENT_MS)).toBe(true);
  expect(await lost).toBe(false);
});

test("who waits is told as soon as the request is there", async () => {
  const watch = new CommitWatch(postgres.pool);
  const waiting = watch.committed({ shard: 0, eventId: "4-0", requestId: "0.late" }, PATIENT_MS);
  await insert("0.late");
  expect(await waiting).toBe(true);
});
