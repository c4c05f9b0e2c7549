import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase, waitFor } from "@votesync/testkit";
import pg from "pg";
import { ShardClaims } from "./shard-claims.js";

const SHARDS = [0, 1, 2, 3, 4, 5, 6, 7];

let database: TestDatabase;
let open: ShardClaims[];

beforeEach(async () => {
  database = await createTestDatabase();
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((claims) => claims.close()));
  await database.drop();
});

function newClaims(): ShardClaims {
  const claims = new ShardClaims({ databaseUrl: database.url, shards: SHARDS, onConnectionLost: () => undefined });
  open.push(claims);
  return claims;
}

/** Lets every worker tick until nothing moves any more: giving up shards takes one round, taking them another. */
async function settle(workers: ShardClaims[]): Promise<number[][]> {
  for (let round = 0; round < 3; round++) for (const worker of workers) await worker.rebalance();
  return workers.map((worker) => worker.held());
}

test("one worker alone claims every shard", async () => {
  expect(await settle([newClaims()])).toEqual([SHARDS]);
});

test("workers that come later get their share, no shard has two, none is without", async () => {
  const workers = [newClaims(), newClaims(), newClaims()];
  const held = await settle(workers);
  expect(held.map((shards) => shards.length).sort()).toEqual([2, 3, 3]);
  expect(held.flat().sort()).toEqual(SHARDS);
});

test("the shards of a worker whose connection is cut go to the others", async () => {
  const [first, second] = [newClaims(), newClaims()];
  await settle([first, second]);
  const killer = new pg.Client({ connectionString: database.url });
  await killer.connect();
  await killer.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND objid = $1 AND classid = 7302 AND granted`,
    [first.held()[0]],
  );
  await killer.end();
  await waitFor("the first worker to notice", () => first.held().length === 0);
  await waitFor("the second worker to hold everything", async () => {
    await second.rebalance();
    return second.held().length === SHARDS.length;
  });
});

test("closing gives every shard back at once, and twice is harmless", async () => {
  const [first, second] = [newClaims(), newClaims()];
  await settle([first]);
  await first.close();
  await first.close();
  expect(await settle([second])).toEqual([SHARDS]);
});
