import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import type pg from "pg";
import { connectPostgres, type PostgresConnection } from "./connection.js";
import { inTransaction } from "./transaction.js";

let database: TestDatabase;
let postgres: PostgresConnection;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "transaction-test", log: { warn: () => undefined } });
});
afterEach(async () => {
  await postgres.close();
  await database.drop();
});

test("a connection lost between two statements fails the transaction and nothing else", async () => {
  const transaction = inTransaction(postgres.pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const lost = new Promise((resolve) => client.once("end", resolve));
    await postgres.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await lost;
    // Without a listener of the transaction's own, the process would not come this far.
    expect(client.listenerCount("error")).toBeGreaterThan(0);
    await client.query("SELECT 1");
  });
  await expect(transaction).rejects.toThrow();
  expect((await postgres.pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

test("a transaction that nobody waits for any more writes nothing, and one that commits already goes on", async () => {
  const { pool } = postgres;
  await pool.query("CREATE TABLE written (n int)");
  const write = (n: number) => (client: pg.PoolClient) => client.query("INSERT INTO written VALUES ($1)", [n]);
  const early = new AbortController();
  const givenUp = inTransaction(
    pool,
    async (client) => {
      await write(1)(client);
      early.abort(new Error("given up"));
    },
    { signal: early.signal },
  );
  await expect(givenUp).rejects.toThrow("given up");
  await expect(inTransaction(pool, write(2), { signal: early.signal })).rejects.toThrow("given up");
  const late = new AbortController();
  await inTransaction(pool, write(3), { signal: late.signal, onCommit: () => late.abort() });
  expect((await pool.query("SELECT n FROM written")).rows).toEqual([{ n: 3 }]);
});
