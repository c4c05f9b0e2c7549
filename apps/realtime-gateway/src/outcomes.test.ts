/** Messages to single users, through a Redis that may be killed. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { type Outcome, publishOutcome } from "@votesync/redis-store";
import { OwnRedis, TEST_SECRET, testPostgresUrl, testToken, uniqueName, waitFor } from "@votesync/testkit";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

let redis: OwnRedis;
let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;

beforeEach(async () => {
  redis = await OwnRedis.start();
  const names = new RedisNames(2, uniqueName("outcomes"));
  world = { redisUrl: redis.url, databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
});
afterEach(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
  await redis.remove();
});

const signedIn = async (user: string, url = gateway.url) =>
  Watcher.connect(url, { auth: { token: await testToken(user) } });

const failed = (userId: string, id: string): Outcome => ({
  userId,
  event: "vote:failed",
  body: { request_id: `0.${id}`, id, error: "not stored" },
});

const publish = (outcome: Outcome) => publishOutcome(voter.redis, world.names, outcome);

test("a failed vote is told to all sockets of its voter, on every gateway, and to nobody else", async () => {
  const other = await startTestGateway(world);
  const [first, second] = [await signedIn("eve"), await signedIn("eve", other.url)];
  const bystanders = [await signedIn("ann"), await Watcher.connect(gateway.url)];
  await publish(failed("eve", "p1"));
  await publish(failed("ann", "last"));
  for (const watcher of [first, second]) {
    const told = await waitFor("the failure", () => watcher.last("p1"));
    expect(told).toMatchObject({ event: "vote:failed", request_id: "0.p1", error: "not stored" });
  }
  await waitFor("ann's own", () => bystanders[0]?.last("last"));
  expect(bystanders.map(({ told }) => told.map(({ id }) => id))).toEqual([["last"], []]);
});

test("whoever signs in hears what is published from then on, and nothing from before", async () => {
  await publish(failed("eve", "before"));
  const eve = await signedIn("eve");
  await publish(failed("eve", "after"));
  await waitFor("the message", () => eve.last("after"));
  eve.close();
  await publish(failed("eve", "between"));
  const again = await signedIn("eve");
  await publish(failed("eve", "later"));
  await waitFor("the message", () => again.last("later"));
  expect([...eve.told, ...again.told].map(({ id }) => id)).toEqual(["after", "later"]);
});

test("what is published while the gateway cannot read is told afterwards", async () => {
  const eve = await signedIn("eve");
  await publish(failed("eve", "before"));
  await waitFor("the first message", () => eve.last("before"));
  await redis.kill9();
  await redis.restart();
  await voter.ready();
  await publish(failed("eve", "after"));
  await waitFor("the second message", () => eve.last("after"));
  expect(eve.told.map(({ id }) => id)).toEqual(["before", "after"]);
});

test("signing in works while Redis is away", async () => {
  await redis.kill9();
  const eve = await signedIn("eve");
  await redis.restart();
  await voter.ready();
  await waitFor("a message", async () => {
    await publish(failed("eve", "p1"));
    return eve.last("p1");
  });
});

test("an entry that is no outcome holds up nobody", async () => {
  const eve = await signedIn("eve");
  await voter.redis.xadd(world.names.outcomes(), "*", "e", "not json");
  await publish(failed("eve", "p1"));
  await waitFor("the message after it", () => eve.last("p1"));
});

test("signing in takes no room from what a socket may watch", async () => {
  await stopTestGateways();
  gateway = await startTestGateway(world, { maxRoomsPerSocket: 2 });
  const eve = await signedIn("eve");
  for (const id of ["p1", "p2", "p3"]) await voter.load(id);
  expect(await eve.subscribe("p1", "p2")).toMatchObject({ ok: true });
  expect(await eve.subscribe("p3")).toMatchObject({ ok: false });
});
