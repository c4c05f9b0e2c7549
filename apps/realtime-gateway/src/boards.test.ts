/** Boards over sockets: the queue when somebody comes, and after every change of it. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type JamState, RedisNames } from "@votesync/core";
import {
  activateStream,
  connectPostgres,
  createBoard,
  createStream,
  type PostgresConnection,
} from "@votesync/postgres-store";
import { publishBroadcast, putStream } from "@votesync/redis-store";
import {
  createTestDatabase,
  TEST_SECRET,
  type TestDatabase,
  testRedisUrl,
  uniqueName,
  waitFor,
} from "@votesync/testkit";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

const JAM = "jam";
const SILENT = { info: () => undefined, warn: () => undefined };

let database: TestDatabase;
let postgres: PostgresConnection;
let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;
let madeAtMs: number;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "boards-test", poolSize: 2, log: SILENT });
  world = {
    redisUrl: testRedisUrl(),
    databaseUrl: database.url,
    names: new RedisNames(8, uniqueName("boards")),
    secret: TEST_SECRET,
  };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
  madeAtMs = Date.now();
  await createBoard(postgres.pool, { id: JAM, title: "Jam", mode: "server-first", ownerId: "host" });
});
afterEach(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
  await postgres.close();
  await database.drop();
});

/** As vote-api does it, with or without telling anybody. */
async function addStream(id: string, o: { announced: boolean } = { announced: true }): Promise<void> {
  const stream = { id, title: id.toUpperCase(), url: null, ownerId: "host", boardId: JAM };
  await createStream(postgres.pool, stream, { needsBoard: true, now: new Date(madeAtMs++) });
  await voter.load(id);
  if (o.announced) await announce();
}

const announce = () => publishBroadcast(voter.redis, world.names, { event: "board:changed", body: { boardId: JAM } });

/** A vote that is put on the board, as it is before it is answered. */
async function vote(streamId: string, userId: string, wish: "up" | "none" = "up"): Promise<void> {
  const counts = await voter.cast(streamId, userId, wish);
  await putStream(voter.redis, world.names, { boardId: JAM, streamId, counts, action: null });
}

async function play(streamId: string): Promise<void> {
  const [row] = (await postgres.pool.query("SELECT version FROM boards")).rows as [{ version: number }];
  await activateStream(postgres.pool, { boardId: JAM, streamId, structure: row.version });
  await announce();
}

async function watch(): Promise<{ watcher: Watcher; first: JamState }> {
  const watcher = await Watcher.connect(gateway.url);
  const answer = (await watcher.call("subscribe", { boards: [JAM] })) as unknown as {
    ok: boolean;
    boards: Record<string, JamState>;
  };
  expect(answer.ok).toBe(true);
  return { watcher, first: answer.boards[JAM] as JamState };
}

const queues = ({ told }: Watcher) => told.filter(({ event }) => event === "queue:updated") as unknown as JamState[];
const active = ({ told }: Watcher) =>
  told.findLast(({ event }) => event === "stream:active") as unknown as JamState | undefined;
const order = (state: Pick<JamState, "streams"> | undefined) => state?.streams.map(({ id }) => id).join(" ");

test("who comes is told how it stands, and from then on every change of the order", async () => {
  await addStream("a");
  await addStream("b");
  await vote("b", "ann");
  const { watcher, first } = await watch();
  expect(first).toMatchObject({
    activeStream: null,
    streams: [
      { id: "b", title: "B", votes: 1 },
      { id: "a", votes: 0 },
    ],
  });
  await vote("a", "ann");
  await vote("a", "ben");
  await waitFor("the new order", () => order(queues(watcher).at(-1)) === "a b");
  expect(queues(watcher).at(-1)).toMatchObject({
    jamId: JAM,
    streams: [
      { id: "a", votes: 2 },
      { id: "b", votes: 1 },
    ],
  });
  const versions = [first.version, ...queues(watcher).map(({ version }) => version)];
  expect(versions).toEqual(versions.toSorted((one, other) => one - other));
});

test("streams that come, and the one that is played, with votes on each from its first moment", async () => {
  const { watcher, first } = await watch();
  expect(first).toMatchObject({ activeStream: null, streams: [] });
  await addStream("late");
  await waitFor("the stream to show", () => order(queues(watcher).at(-1)) === "late");
  await vote("late", "ann");
  await waitFor("its vote", () => queues(watcher).at(-1)?.streams[0]?.votes === 1);
  await play("late");
  await waitFor("what is played", () => active(watcher)?.activeStream?.id === "late");
  await waitFor("the queue without it", () => order(queues(watcher).at(-1)) === "");
  await vote("late", "ben");
  await waitFor("a vote on the active one", () => active(watcher)?.activeStream?.votes === 2);
});

test("a vote whose process died before the board had it, and a stream nobody announced", async () => {
  await addStream("a");
  const { watcher } = await watch();
  await voter.cast("a", "ann", "up");
  await waitFor("the vote", () => queues(watcher).at(-1)?.streams[0]?.votes === 1);
  await addStream("silent", { announced: false });
  await waitFor("the stream", () => order(queues(watcher).at(-1)) === "a silent", 15_000);
}, 30_000);

test("many votes are few messages, the last with the final counts", async () => {
  for (const id of ["a", "b", "c"]) await addStream(id);
  const { watcher } = await watch();
  const startedAtMs = performance.now();
  for (let i = 0; i < 300; i++) await vote(["a", "b", "c"][i % 3] as string, `user ${i}`);
  await waitFor(
    "all votes",
    () =>
      queues(watcher)
        .at(-1)
        ?.streams.every(({ votes }) => votes === 100) === true,
  );
  const seconds = (performance.now() - startedAtMs) / 1_000;
  // Ten a second, and the one that was due at the start.
  expect(queues(watcher).length).toBeLessThanOrEqual(Math.ceil(seconds * 10) + 1);
});

test("many votes on what is played are few messages too", async () => {
  await addStream("a");
  await play("a");
  const { watcher } = await watch();
  const startedAtMs = performance.now();
  for (let i = 0; i < 300; i++) await vote("a", `user ${i}`);
  await waitFor("all votes", () => active(watcher)?.activeStream?.votes === 300);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const messages = watcher.told.filter(({ event }) => event === "stream:active");
  expect(messages.length).toBeLessThanOrEqual(Math.ceil(seconds * 10) + 1);
});

test("nobody is followed once the last one went; an unknown board is said to be unknown", async () => {
  await addStream("a");
  const { watcher } = await watch();
  expect(await gateway.metric("rooms")).toBe(1);
  await watcher.call("unsubscribe", { boards: [JAM] });
  await waitFor("the tail to let go", async () => (await gateway.metric("rooms")) === 0);
  const answer = (await watcher.call("subscribe", { boards: ["nowhere"] })) as unknown as { unknown: string[] };
  expect(answer).toMatchObject({ ok: true, boards: {}, unknown: ["nowhere"] });
});

test("two gateways tell the same versions of the same queue", async () => {
  for (const id of ["a", "b"]) await addStream(id);
  const { watcher } = await watch();
  gateway = await startTestGateway(world);
  const { watcher: other } = await watch();
  for (let i = 0; i < 50; i++) await vote(i % 3 === 0 ? "a" : "b", `user ${i}`);
  const final = "b a 33 17";
  const shown = (one: Watcher) => {
    const last = queues(one).at(-1);
    return `${order(last)} ${last?.streams.map(({ votes }) => votes).join(" ")}`;
  };
  await waitFor("both to show the end", () => shown(watcher) === final && shown(other) === final);
  // Equal versions are equal queues, whoever told them.
  const told = new Map(queues(watcher).map(({ version, streams }) => [version, streams]));
  const both = queues(other).filter(({ version }) => told.has(version));
  expect(both).not.toEqual([]);
  for (const { version, streams } of both) expect(streams).toEqual(told.get(version));
});
