/** A vote that Redis has taken and then cannot put on its board: whoever reads the board afterwards finds it all the same. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { JamQueues } from "@votesync/jam";
import { connectPostgres, createBoard, createStream, type PostgresConnection } from "@votesync/postgres-store";
import { castVote, connectRedis, loadProject, NEVER_LOADED, type RedisConnection } from "@votesync/redis-store";
import { createLogger } from "@votesync/service-kit";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { tellBoard } from "./tell-board.js";

const BOARD = "jam";
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
  await createBoard(postgres.pool, { id: BOARD, title: "Jam", mode: "optimistic", ownerId: "host" });
  for (const id of ["a", "b"]) {
    const stream = { id, title: id, url: null, ownerId: "host", boardId: BOARD };
    await createStream(postgres.pool, stream, { needsBoard: true, now: new Date() });
    const cold = { id, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [], boardId: BOARD };
    await loadProject(redis.client, names, cold, NEVER_LOADED);
  }
});
afterAll(async () => {
  await redis.close();
  await lost.close();
  await postgres.close();
  await database.drop();
});

async function cast(projectId: string, userId: string) {
  const vote = { requestId: `${names.shardOf(projectId)}.${userId}`, projectId, userId, voteType: "up" as const };
  const unlimited = { deadlineUs: Number.MAX_SAFE_INTEGER, limit: { max: 0, windowMs: 1 } };
  const outcome = await castVote(lost.client, names, { ...vote, ...unlimited });
  if (outcome.kind !== "answer") throw new Error(outcome.kind);
  return outcome;
}

const shown = async () => (await queues.read(BOARD))?.state.streams.map(({ id, votes }) => `${id} ${votes}`);

test("votes that could not be put on their board show in every reading after them", async () => {
  expect(await shown()).toEqual(["a 0", "b 0"]);
  const votes = [await cast("b", "ann"), await cast("b", "ben"), await cast("a", "ann")];
  expect(await shown()).toEqual(["a 0", "b 0"]);
  await lost.close();
  await waitFor("the connection to be lost", () => lost.client.status === "end");
  const tell = tellBoard({ redis: lost.client, names, pool: postgres.pool, log });
  await Promise.all(votes.map((vote) => tell(BOARD, vote)));
  expect(await shown()).toEqual(["b 2", "a 1"]);
});
