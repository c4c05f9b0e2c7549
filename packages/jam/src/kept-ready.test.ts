/** What Redis keeps of a board: how long it may be shown, and what is let go of. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ProjectCounts, RedisNames } from "@votesync/core";
import {
  connectPostgres,
  createBoard,
  createStream,
  outdateBoard,
  type PostgresConnection,
} from "@votesync/postgres-store";
import { connectRedis, loadProject, NEVER_LOADED, putStream, type RedisConnection } from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { JamQueues } from "./jam-queues.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const HOUR_US = 3_600_000_000;

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;
let queues: JamQueues;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "kept-ready-test", log: SILENT });
  redis = connectRedis({ url: testRedisUrl(), name: "kept-ready-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
  names = new RedisNames(8, uniqueName("kept"));
  queues = new JamQueues({ redis: redis.client, names, pool: postgres.pool }, () => true);
});
afterAll(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

async function makeBoard(boardId: string, streamId: string): Promise<void> {
  await createBoard(postgres.pool, { id: boardId, title: "T", mode: "optimistic", ownerId: "host" });
  const stream = { id: streamId, title: "S", url: null, ownerId: "host", boardId };
  await createStream(postgres.pool, stream, { needsBoard: true, now: new Date() });
  const cold = { id: streamId, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [], boardId };
  await loadProject(redis.client, names, cold, NEVER_LOADED);
}

const shown = async (boardId: string) =>
  (await queues.read(boardId))?.state.streams.map(({ id, votes }) => [id, votes]);

test("counters that changed without a vote show once those kept ready are five seconds old", async () => {
  await makeBoard("aging", "a");
  expect(await shown("aging")).toEqual([["a", 0]]);
  await redis.client.hset(names.project("a"), { upvotes: 3, version: 1 });
  expect(await shown("aging")).toEqual([["a", 0]]);
  await redis.client.hincrby(names.jamQueue("aging"), "loaded_at", -5_000_000);
  expect(await shown("aging")).toEqual([["a", 3]]);
});

test("counters of streams that left long ago are let go of, those of one just added stay", async () => {
  await makeBoard("long", "b");
  const nowUs = Date.now() * 1_000;
  const put = (streamId: string, counts: ProjectCounts) =>
    putStream(redis.client, names, { boardId: "long", streamId, counts, action: null });
  await put("b", { upvotes: 1, downvotes: 0, version: nowUs - HOUR_US });
  await put("played", { upvotes: 9, downvotes: 0, version: nowUs - HOUR_US });
  await put("added", { upvotes: 2, downvotes: 0, version: nowUs });
  await outdateBoard(postgres.pool, "long");
  expect(await shown("long")).toEqual([["b", 1]]);
  const kept = (await redis.client.hkeys(names.jamQueue("long"))).filter((field) => field.startsWith("c:"));
  expect(kept.sort()).toEqual(["c:added", "c:b"]);
});
