/** Stores that die, lose their data, freeze or stay silent. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { OwnRedis, TEST_SECRET, testPostgresUrl, uniqueName, waitFor } from "@votesync/testkit";
import { CALL_DEADLINE_MS } from "./calls.js";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

/** What a busy machine may add; what hangs needs more. */
const BUSY_MS = 5_000;
/** A port on which nobody listens. */
const NOBODY = 1;

let redis: OwnRedis;
let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;
let watcher: Watcher;

beforeEach(async () => {
  redis = await OwnRedis.start();
  const names = new RedisNames(2, uniqueName("outage"));
  world = { redisUrl: redis.url, databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
  watcher = await Watcher.connect(gateway.url);
  await voter.load("p");
});
afterEach(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
  await redis.remove();
});

/** Until the gateway itself can read again: its connection comes back at its own time. */
const gatewayReads = () => waitFor("the gateway's Redis", async () => (await watcher.subscribe("p")).ok);

test("after a Redis that was killed and came back with its data, nothing was missed", async () => {
  await watcher.subscribe("p");
  await voter.cast("p", "ann", "up");
  await waitFor("the first vote", () => watcher.last("p"));
  await redis.kill9();
  await redis.restart();
  await voter.ready();
  const after = await voter.cast("p", "bob", "up");
  const told = await waitFor("the vote after", () => watcher.told.find(({ version }) => version === after.version));
  expect(told).toMatchObject({ event: "vote:cast", ...after });
  expect(await gateway.metric("gaps_total")).toBe(0);
});

test("after a Redis that came back empty, watchers are told what is left", async () => {
  await watcher.subscribe("p");
  await voter.cast("p", "ann", "up");
  await waitFor("the vote", () => watcher.last("p"));
  await redis.kill9();
  await redis.wipe();
  await redis.restart();
  await voter.ready();
  await voter.load("p");
  const told = await waitFor("the repair", () => watcher.told.find(({ event }) => event === "vote:reconciled"));
  expect(told).toMatchObject({ id: "p", upvotes: 0, reason: "gap" });
  const after = await voter.cast("p", "bob", "up");
  await waitFor("a vote as before", () => watcher.last("p")?.version === after.version);
});

test("while Redis is away a subscription is refused in words, and works again afterwards", async () => {
  await redis.kill9();
  expect(await watcher.subscribe("p")).toEqual({ ok: false, error: expect.stringMatching(/try again/) });
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
  expect(await gateway.metric("rooms")).toBe(0);
  await redis.restart();
  await gatewayReads();
  await voter.ready();
  const after = await voter.cast("p", "ann", "up");
  await waitFor("the vote", () => watcher.last("p")?.version === after.version);
});

test("a Redis that accepts and says nothing holds nobody up longer than the deadline", async () => {
  redis.freeze();
  const startedAtMs = performance.now();
  const answers = await Promise.all([watcher.subscribe("p"), watcher.subscribe("p", "q"), watcher.subscribe("q")]);
  expect(performance.now() - startedAtMs).toBeLessThan(CALL_DEADLINE_MS + BUSY_MS);
  for (const answer of answers) expect(answer.ok).toBe(false);
  redis.thaw();
  await gatewayReads();
});

test("without PostgreSQL loaded projects go on; a cold one is refused within the deadline", async () => {
  const silent = await SilentServer.start();
  const alone = await startTestGateway({ ...world, databaseUrl: `postgresql://nobody@127.0.0.1:${silent.port}/none` });
  const guest = await Watcher.connect(alone.url);
  const before = await voter.cast("p", "ann", "up");
  expect(await guest.subscribe("p")).toMatchObject({ ok: true, projects: { p: before } });
  const startedAtMs = performance.now();
  expect(await guest.subscribe("p", "cold")).toMatchObject({ ok: false });
  expect(performance.now() - startedAtMs).toBeLessThan(CALL_DEADLINE_MS + BUSY_MS);
  const after = await voter.cast("p", "bob", "up");
  await waitFor("the vote", () => guest.last("p")?.version === after.version);
  const ready = await fetch(`${alone.url}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ status: "degraded" });
  await silent.close();
});

test("a call that fails takes nothing away from the one after it", async () => {
  const alone = await startTestGateway({ ...world, databaseUrl: `postgresql://nobody@127.0.0.1:${NOBODY}/none` });
  const guest = await Watcher.connect(alone.url);
  const [failed, done] = await Promise.all([guest.subscribe("p", "cold"), guest.subscribe("p")]);
  expect([failed.ok, done.ok]).toEqual([false, true]);
  await voter.cast("p", "ann", "up");
  await waitFor("the vote", () => guest.last("p"));
});

test("a client that answers nothing any more does not hold up a stop", async () => {
  const leaving = await startTestGateway(world);
  const frozen = await Watcher.connect(leaving.url, { reconnection: false });
  const { ws } = frozen.socket.io.engine.transport as unknown as { ws: { pause(): void } };
  ws.pause();
  const startedAtMs = performance.now();
  await leaving.stop();
  expect(performance.now() - startedAtMs).toBeLessThan(20_000);
});

/** Takes connections and never answers. */
class SilentServer {
  private readonly connections = new Set<Socket>();
  private readonly server = createServer((connection) => void this.connections.add(connection));

  static async start(): Promise<SilentServer> {
    const silent = new SilentServer();
    await new Promise<void>((resolve) => silent.server.listen(0, resolve));
    return silent;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
