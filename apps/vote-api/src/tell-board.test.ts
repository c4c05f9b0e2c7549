/** A vote that Redis has taken and then cannot put on its board: whoever reads the board afterwards finds it all the same. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseEvent, RedisNames } from "@votesync/core";
import { JamQueues } from "@votesync/jam";
import {
  applyEvents,
  connectPostgres,
  createBoard,
  createStream,
  ensureShards,
  type PostgresConnection,
} from "@votesync/postgres-store";
import { ProjectLoader } from "@votesync/reconcile";
import {
  castVote as castInRedis,
  connectRedis,
  loadProject,
  NEVER_LOADED,
  RedisClock,
  type RedisConnection,
  readEvents,
  STREAM_START,
} from "@votesync/redis-store";
import { createLogger, DeadlineExceededError } from "@votesync/service-kit";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { castVote } from "./cast-vote.js";
import { DegradedHere } from "./degraded-here.js";
import type { FastPath } from "./fast-path.js";
import { tellBoard } from "./tell-board.js";

const log = createLogger({ service: "tell-board-test", level: "silent" });

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
/** The connection of a replica that loses it right after a cast. */
let lost: RedisConnection;
let names: RedisNames;
let queues: JamQueues;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "tell-board-test", poolSize: 4, log });
  redis = connectRedis({ url: testRedisUrl(), name: "tell-board-test", log });
  lost = connectRedis({ url: testRedisUrl(), name: "tell-board-test-lost", log });
  await waitFor("redis", () => redis.client.status === "ready" && lost.client.status === "ready");
  names = new RedisNames(8, uniqueName("tell-board"));
  queues = new JamQueues({ redis: redis.client, names, pool: postgres.pool }, () => true);
  await ensureShards(postgres.pool, names.shards);
});
afterAll(async () => {
  await redis.close();
  await lost.close();
  await postgres.close();
  await database.drop();
});

async function makeBoard(boardId: string, streamIds: readonly string[]): Promise<void> {
  await createBoard(postgres.pool, { id: boardId, title: "Jam", mode: "optimistic", ownerId: "host" });
  for (const id of streamIds) {
    const stream = { id, title: id, url: null, ownerId: "host", boardId };
    await createStream(postgres.pool, stream, { needsBoard: true, now: new Date() });
    const cold = { id, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [], boardId };
    await loadProject(redis.client, names, cold, NEVER_LOADED);
  }
}

async function cast(projectId: string, userId: string) {
  const vote = { requestId: `${names.shardOf(projectId)}.${userId}`, projectId, userId, voteType: "up" as const };
  const unlimited = { deadlineUs: Number.MAX_SAFE_INTEGER, limit: { max: 0, windowMs: 1 } };
  const outcome = await castInRedis(lost.client, names, { ...vote, ...unlimited });
  if (outcome.kind !== "answer") throw new Error(outcome.kind);
  return outcome;
}

/** What a worker does with the first events of a project's shard. */
async function apply(projectId: string): Promise<void> {
  const shard = names.shardOf(projectId);
  const entries = await readEvents(redis.client, names, { shard, afterId: STREAM_START, count: 100 });
  const events = entries.map(({ id, fields, wire }) => ({ streamId: id, fields, event: parseEvent(wire) }));
  const toId = entries.at(-1)?.id ?? STREAM_START;
  await applyEvents(postgres.pool, { shard, fromId: STREAM_START, toId, events, failed: [], retryAt: new Date() });
}

async function shown(boardId: string) {
  return (await queues.read(boardId))?.state.streams.map(({ id, votes }) => `${id} ${votes}`);
}

test("votes that could not be put on their board show in every reading after them", async () => {
  await makeBoard("cut", ["a", "b"]);
  expect(await shown("cut")).toEqual(["a 0", "b 0"]);
  const votes = [await cast("b", "ann"), await cast("b", "ben"), await cast("a", "ann")];
  expect(await shown("cut")).toEqual(["a 0", "b 0"]);
  await lost.close();
  await waitFor("the connection to be lost", () => lost.client.status === "end");
  const tell = tellBoard({ redis: lost.client, names, pool: postgres.pool, log });
  await Promise.all(votes.map((vote) => tell("cut", vote)));
  expect(await shown("cut")).toEqual(["b 2", "a 1"]);
});

test("a vote that Redis took without its answer coming through, and that is a row already, shows too", async () => {
  await makeBoard("late", ["c"]);
  expect(await shown("late")).toEqual(["c 0"]);
  const fastPath: FastPath = {
    cast: async (vote) => {
      await castInRedis(redis.client, names, { ...vote, deadlineUs: Number.MAX_SAFE_INTEGER });
      await apply(vote.projectId);
      throw new DeadlineExceededError("Redis", 400);
    },
    close: () => undefined,
  };
  const stores = { redis: redis.client, names, pool: postgres.pool };
  const deps = {
    ...stores,
    fastPath,
    degraded: new DegradedHere(redis.client, names),
    clock: new RedisClock(),
    loader: new ProjectLoader(stores),
    limit: { max: 0, windowMs: 1 },
    tellBoard: tellBoard({ ...stores, log }),
    onFallback: () => undefined,
  };
  expect(await castVote(deps, { projectId: "c", userId: "ann", voteType: "up" })).toMatchObject({
    kind: "answer",
    answer: { action: "created", upvotes: 1 },
  });
  expect(await shown("late")).toEqual(["c 1"]);
});
