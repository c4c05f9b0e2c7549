/** Launch days over sockets: how they stand when somebody comes, and that they are final. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { connectMongo, LaunchArchive, type MongoConnection } from "@votesync/mongo-store";
import { connectPostgres, type PostgresConnection, registerLaunch } from "@votesync/postgres-store";
import { publishBroadcast } from "@votesync/redis-store";
import {
  createTestDatabase,
  TEST_SECRET,
  type TestDatabase,
  testMongoUrl,
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

const DATE = "2090-05-01";
const SILENT = { info: () => undefined, warn: () => undefined };

let database: TestDatabase;
let postgres: PostgresConnection;
let mongo: MongoConnection;
let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;

beforeEach(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "launches-test", poolSize: 2, log: SILENT });
  mongo = connectMongo({ url: testMongoUrl(), log: SILENT });
  const names = new RedisNames(8, uniqueName("launches"));
  const archive = new LaunchArchive(mongo.connection);
  world = { redisUrl: testRedisUrl(), databaseUrl: database.url, names, secret: TEST_SECRET, archive };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
});
afterEach(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
  await mongo.close();
  await postgres.close();
  await database.drop();
});

const launch = (projectId: string, opensAt: Date) =>
  registerLaunch(postgres.pool, {
    date: DATE,
    shard: world.names.shardOf(projectId),
    projectId,
    name: projectId,
    ownerId: "owner",
    opensAt,
    closesAt: new Date("2090-05-02"),
    anyOwner: true,
  });

const subscribe = (watcher: Watcher, launches: string[]) => watcher.call("subscribe", { launches });
const finalized = (date: string) =>
  publishBroadcast(voter.redis, world.names, {
    event: "launch:finalized",
    body: { date, updated: 1, top3: ["rocket"] },
  });

test("whoever watches a day is told how it stands, and once that it is final; nobody else is", async () => {
  await launch("rocket", new Date("2090-05-01"));
  const [watcher, other] = [await Watcher.connect(gateway.url), await Watcher.connect(gateway.url)];
  expect(await subscribe(watcher, [DATE])).toEqual({
    ok: true,
    projects: {},
    boards: {},
    launches: {
      [DATE]: {
        date: DATE,
        status: "open",
        seal: null,
        apps: [{ appId: "rocket", name: "rocket", votes: 0, rank: 1, votingFlushed: false }],
      },
    },
    leaderboards: {},
    unknown: [],
  });
  await subscribe(other, ["2090-05-02"]);
  await finalized(DATE);
  await finalized("2090-05-02");
  await waitFor("the day to be final", () => watcher.told.length > 0);
  await waitFor("the other day to be final", () => other.told.length > 0);
  expect(watcher.told).toMatchObject([{ event: "launch:finalized", date: DATE, updated: 1, top3: ["rocket"] }]);
  expect(other.told).toMatchObject([{ date: "2090-05-02" }]);
});

test("a day that there is not is refused, one that nobody launched on is empty, and unsubscribing ends it", async () => {
  const watcher = await Watcher.connect(gateway.url);
  expect(await subscribe(watcher, ["2090-02-30"])).toMatchObject({
    ok: false,
    error: expect.stringContaining("launches"),
  });
  expect(await subscribe(watcher, ["2090-07-07"])).toMatchObject({
    ok: true,
    launches: { "2090-07-07": { status: "open", apps: [] } },
  });
  await watcher.call("unsubscribe", { launches: ["2090-07-07"] });
  await finalized("2090-07-07");
  await subscribe(watcher, [DATE]);
  await finalized(DATE);
  await waitFor("the day that is watched", () => watcher.told.length > 0);
  expect(watcher.told).toMatchObject([{ date: DATE }]);
});

test("a broadcast that cannot be read holds up nobody", async () => {
  const watcher = await Watcher.connect(gateway.url);
  await subscribe(watcher, [DATE]);
  await voter.redis.xadd(world.names.broadcasts(), "*", "e", '{"event":"other"}');
  await finalized(DATE);
  await waitFor("the message after it", () => watcher.told.length > 0);
});

test("days count among what a socket may watch", async () => {
  await stopTestGateways();
  gateway = await startTestGateway(world, { maxRoomsPerSocket: 1 });
  const watcher = await Watcher.connect(gateway.url);
  expect(await subscribe(watcher, [DATE])).toMatchObject({ ok: true });
  expect(await subscribe(watcher, ["2090-05-02"])).toMatchObject({ ok: false });
});
