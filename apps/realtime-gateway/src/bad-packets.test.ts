/** Whatever one client sends, the gateway lives on and the others notice nothing. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { TEST_SECRET, testPostgresUrl, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
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
let bystander: Watcher;

beforeAll(async () => {
  const names = new RedisNames(1, uniqueName("packets"));
  world = { redisUrl: testRedisUrl(), databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
  await voter.load("p");
  bystander = await Watcher.connect(gateway.url);
});
afterAll(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
});

/** Sends frames below socket.io, as a program that does not use its client would. */
function sendFrames(watcher: Watcher, ...frames: (string | Buffer)[]): void {
  const { ws } = watcher.socket.io.engine.transport as unknown as { ws: { send(frame: string | Buffer): void } };
  for (const frame of frames) ws.send(frame);
}

async function expectGatewayWell(): Promise<void> {
  expect(await bystander.subscribe("p")).toMatchObject({ ok: true });
  const after = await voter.cast("p", uniqueName("user"), "up");
  await waitFor("the vote", () => bystander.last("p")?.version === after.version);
}

const BAD_FRAMES: [what: string, frame: string | Buffer][] = [
  ["garbage", "zzz"],
  ["an empty frame", ""],
  ["a packet type that does not exist", "49"],
  ["an event without a name", "42"],
  ["truncated JSON", '42["subscribe",{'],
  ["an object for an event", "42{}"],
  ["an empty event", "42[]"],
  ["null for an event", "42null"],
  ["a number for a name", "42[5,{}]"],
  ["null for a name", "42[null,{}]"],
  ["an event named __proto__", '42["__proto__",{"a":1}]'],
  ["an event named error, which would throw", '42["error",{"message":"boom"}]'],
  ["an event named connection", '42["connection"]'],
  ["a reserved event name", '42["disconnect"]'],
  ["a subscription to nothing, nobody asking for an answer", '42["subscribe"]'],
  ["a subscription to null, nobody asking for an answer", '42["subscribe",null]'],
  ["a wrong payload, nobody asking for an answer", '42["unsubscribe",{"projects":{"length":3}}]'],
  ["7,000 nested arrays", `42["subscribe",${"[".repeat(7_000)}${"]".repeat(7_000)}]`],
  ["an answer to a question nobody asked", '43999["x"]'],
  ["a thousand attachments", '451000-["subscribe",{"_placeholder":true,"num":0}]'],
  ["an attachment that never comes", '451-["subscribe",{"_placeholder":true,"num":7}]'],
  ["binary data out of nowhere", Buffer.from([4, 255, 0, 1])],
  ["a second connect", '40{"token":5}'],
  ["a refusal, which only servers send", '44{"message":"no"}'],
  ["a namespace that does not exist", "40/admin,"],
  ["a namespace named __proto__", "40/__proto__,"],
  ["a ping, which only servers send", "2"],
  ["a packet over the limit", `42["subscribe",{"projects":["${"x".repeat(20_000)}"]}]`],
];

test.each(BAD_FRAMES)("the gateway lives on after %s", async (_, frame) => {
  const sender = await Watcher.connect(gateway.url, { reconnection: false });
  sendFrames(sender, frame);
  await expectGatewayWell();
  sender.close();
});

const BAD_CALLS: [what: string, event: string, payload: unknown[], error: string][] = [
  ["no payload", "subscribe", [], "payload: Invalid input: expected object, received undefined"],
  ["null", "subscribe", [null], "payload: Invalid input: expected object, received null"],
  ["an array", "subscribe", [["p"]], "payload: Invalid input: expected object, received array"],
  ["a name for a list", "subscribe", [{ projects: "p" }], "projects: Invalid input: expected array, received string"],
  ["an unknown field", "subscribe", [{ project: ["p"] }], 'payload: Unrecognized key: "project"'],
  [
    "a strange id",
    "subscribe",
    [{ projects: ["a b"] }],
    "projects.0: must be 1 to 64 characters out of A-Z a-z 0-9 _ . : -",
  ],
  ["an unknown event", "vote", [{}], "unknown event, known are: subscribe, unsubscribe"],
];

test.each(BAD_CALLS)("%s is answered in words", async (_, event, payload, error) => {
  expect(await bystander.call(event, ...payload)).toEqual({ ok: false, error });
});

test("only namespace / exists", async () => {
  await expect(Watcher.connect(`${gateway.url}/admin`)).rejects.toThrow("Invalid namespace");
});

const FLOODS: [what: string, frame: string][] = [
  ["events", '42["x"]'],
  ["calls", '421["subscribe",{"projects":["p"]}]'],
  ["pongs", "3"],
  ["connects to namespaces", "40/admin,"],
];

test.each(FLOODS)("a flood of %s is cut off", async (_, frame) => {
  const floods = await gateway.metric("floods_total");
  const sender = await Watcher.connect(gateway.url, { reconnection: false });
  const gone = new Promise((resolve) => sender.socket.once("disconnect", resolve));
  sendFrames(sender, ...Array<string>(2_000).fill(frame));
  await gone;
  expect(await gateway.metric("floods_total")).toBe(floods + 1);
  await expectGatewayWell();
});

test("one address may hold only so many sockets, and may again when some are gone", async () => {
  const small = await startTestGateway(world, { maxSocketsPerAddress: 2 });
  const first = await Watcher.connect(small.url);
  await Watcher.connect(small.url);
  const third = () => Watcher.connect(small.url, { reconnection: false });
  await expect(third()).rejects.toThrow();
  first.close();
  await waitFor("a free place", third);
});
