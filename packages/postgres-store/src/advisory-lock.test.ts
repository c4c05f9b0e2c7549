import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase, waitFor } from "@votesync/testkit";
import { tryAdvisoryLock } from "./advisory-lock.js";
import { connectPostgres, type PostgresConnection } from "./connection.js";

const CLASS = 7_999;
const BEAT_MS = 50;

let database: TestDatabase;
let postgres: PostgresConnection;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "advisory-lock-test", log: { warn: () => undefined } });
});
afterEach(async () => {
  await postgres.close();
  await database.drop();
});

const isFree = async () => (await tryAdvisoryLock(postgres.pool, CLASS, 0, async () => true)) === true;

/** How long the connection that has the lock has existed, and whether it still is there. */
const HELD_LONG = `
  SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
   WHERE locktype = 'advisory' AND classid = ${CLASS} AND clock_timestamp() - backend_start > interval '${BEAT_MS * 10} ms'`;

test("a lock is kept for as long as its work takes, and is free after it", async () => {
  const kept = await tryAdvisoryLock(
    postgres.pool,
    CLASS,
    0,
    async () => {
      await waitFor("many beats", async () => (await postgres.pool.query(HELD_LONG)).rowCount === 1);
      return isFree();
    },
    { beatMs: BEAT_MS },
  );
  expect(kept).toBe(false);
  expect(await isFree()).toBe(true);
  const { rows } = await postgres.pool.query("SHOW idle_session_timeout");
  expect(rows).toEqual([{ idle_session_timeout: "0" }]);
});

/** A process that takes the lock and then hangs, its connection open. */
const HANGS = `
  import { parentPort, workerData } from "node:worker_threads";
  const { connectPostgres, tryAdvisoryLock } = await import(workerData.module);
  const { pool } = connectPostgres({ url: workerData.url, name: "hangs", log: { warn: () => undefined } });
  await tryAdvisoryLock(pool, ${CLASS}, 0, async () => {
    parentPort.postMessage("locked");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }, { beatMs: ${BEAT_MS} });`;

test("a holder that hangs loses the lock after some beats", async () => {
  const module = new URL("../dist/index.js", import.meta.url).href;
  const source = new URL(`data:text/javascript,${encodeURIComponent(HANGS)}`);
  const worker = new Worker(source, { workerData: { module, url: database.url } });
  await once(worker, "message");
  await waitFor("the lock to be free", isFree);
  await worker.terminate();
});
