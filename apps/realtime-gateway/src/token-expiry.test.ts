/** Tokens that run out while their sockets are connected. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { publishOutcome } from "@votesync/redis-store";
import { TEST_SECRET, testPostgresUrl, testRedisUrl, testToken, uniqueName, waitFor } from "@votesync/testkit";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;

beforeAll(async () => {
  const names = new RedisNames(2, uniqueName("expiry"));
  world = { redisUrl: testRedisUrl(), databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET };
  gateway = await startTestGateway(world, { maxRoomsPerSocket: 1 });
  voter = await createVoter(world);
  await voter.load("p");
});
afterEach(Watcher.closeAll);
afterAll(async () => {
  await stopTestGateways();
  await voter.close();
});

const signedIn = async (user: string, expiresInS: number) =>
  Watcher.connect(gateway.url, { auth: { token: await testToken(user, { expiresInS }) } });

const expired = (watcher: Watcher) =>
  waitFor("the end of the token", () => watcher.told.find(({ event }) => event === "token:expired"));

const notify = (userId: string, id: string) =>
  publishOutcome(voter.redis, world.names, {
    userId,
    event: "vote:failed",
    body: { request_id: `0.${id}`, id, error: "not stored" },
  });

test("a socket whose token ends is told so and goes on as a watcher, with nothing private any more", async () => {
  const [brief, lasting] = [await signedIn("ann", 5), await signedIn("ann", 3_600)];
  await brief.subscribe("p");
  await notify("ann", "before");
  await waitFor("what is private, before", () => brief.last("before"));
  await expired(brief);
  await notify("ann", "after");
  await waitFor("what is private, after", () => lasting.last("after"));
  const after = await voter.cast("p", uniqueName("user"), "up");
  await waitFor("the vote", () => brief.last("p")?.version === after.version);
  expect(brief.last("after")).toBeUndefined();
  expect(lasting.told.map(({ event }) => event)).not.toContain("token:expired");
});

test("a socket may watch as much after the end of its token as before", async () => {
  const watcher = await signedIn("bob", 4);
  await expired(watcher);
  expect(await watcher.subscribe("p")).toMatchObject({ ok: true });
});

test("a token that lasts longer than any timer can wait does not end at once", async () => {
  const watcher = await signedIn("cem", 60 * 86_400);
  await notify("cem", "private");
  await waitFor("what is private", () => watcher.last("private"));
  expect(watcher.told.map(({ event }) => event)).not.toContain("token:expired");
});
