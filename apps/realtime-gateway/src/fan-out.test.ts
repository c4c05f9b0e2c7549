/** Sockets that take data slowly, or not at all, over real TCP. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { projectRoom } from "@votesync/core";
import { waitFor } from "@votesync/testkit";
import { Server } from "socket.io";
import { FanOut } from "./fan-out.js";
import type { RoomMessage } from "./fold.js";
import { queuedPackets } from "./send-queue.js";
import type { GatewayServer, GatewaySocket } from "./sockets.js";
import { Watcher } from "./watcher.testing.js";

/** So many rounds fill every buffer of the operating system on the way. */
const MOST_ROUNDS = 5_000;
const BYTES = 16_384;

let io: GatewayServer;
let fanOut: FanOut;
let url: string;
let slowSockets: number;
let version: number;

beforeAll(async () => {
  const server = createServer();
  io = new Server(server, { perMessageDeflate: false });
  io.on("connection", (socket) => socket.join([projectRoom("p"), projectRoom("q")]));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  [slowSockets, version] = [0, 0];
  fanOut = new FanOut(io, () => slowSockets++);
});
afterEach(Watcher.closeAll);
afterAll(() => io.close());

const message = (id: string, upvotes: number): RoomMessage => ({
  event: "vote:cast",
  body: { id, upvotes, downvotes: 0, voteCount: upvotes, version: upvotes, reason: "x".repeat(BYTES) },
});
const send = (id: string, upvotes: number) => fanOut.send(projectRoom(id), message(id, upvotes));

/** The next version of p, in a tick of its own, told to somebody who reads. */
async function tell(reader: Watcher): Promise<void> {
  const taken = new Promise((resolve) => reader.socket.once("vote:cast", resolve));
  send("p", ++version);
  await taken;
}

const underlying = (watcher: Watcher) =>
  (watcher.socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } }).ws;
const serverSide = ({ socket }: Watcher) => io.of("/").sockets.get(socket.id as string) as GatewaySocket;
const bufferedBytes = ({ conn }: GatewaySocket) =>
  (conn.transport as unknown as { socket: { bufferedAmount: number } }).socket.bufferedAmount;

async function stoppedReading(reader: Watcher): Promise<Watcher> {
  const slow = await Watcher.connect(url);
  underlying(slow).pause();
  while (slowSockets === 0 && version < MOST_ROUNDS) await tell(reader);
  expect(slowSockets).toBe(1);
  return slow;
}

test("a socket that stops reading costs two messages, slows nobody, and has all last counts when it reads on", async () => {
  const reader = await Watcher.connect(url);
  const slow = await stoppedReading(reader);
  const socket = serverSide(slow);
  for (let round = 0; round < 300; round++) {
    await tell(reader);
    expect(queuedPackets(socket.conn)).toBeLessThanOrEqual(2);
    expect(bufferedBytes(socket)).toBeLessThan(2 * BYTES);
  }
  send("q", 1);
  send("q", 2);
  await waitFor("the reader's q", () => reader.last("q")?.version === 2);
  expect(reader.told.filter(({ id }) => id === "p").map((told) => told.version)).toEqual(upTo(version));

  underlying(slow).resume();
  await waitFor("the last counts", () => slow.last("p")?.version === version && slow.last("q")?.version === 2);
  const versions = slow.told.filter(({ id }) => id === "p").map((told) => told.version);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(versions.length).toBeLessThanOrEqual(version - 300);
  expect(slow.told.filter(({ id }) => id === "q")).toHaveLength(1);
  await tell(reader);
  await waitFor("a message as before", () => slow.last("p")?.version === version);
  expect(slowSockets).toBe(1);
});

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test("a slow socket hears that a period closed, whatever came after it, and once", async () => {
  const reader = await Watcher.connect(url);
  const slow = await stoppedReading(reader);
  const closed = { ...message("q", 1), event: "vote:reconciled" as const };
  fanOut.send(projectRoom("q"), { ...closed, body: { ...closed.body, reason: "period-closed" } });
  send("q", 2);
  fanOut.send(projectRoom("q"), { ...closed, body: { ...closed.body, version: 3, reason: "redis-drift" } });
  send("q", 4);
  await waitFor("the reader's q", () => reader.last("q")?.version === 4);
  const ofQ = (watcher: Watcher) => watcher.told.filter(({ id }) => id === "q");
  expect(ofQ(reader)[0]).toMatchObject({ reason: "period-closed", version: 1 });
  expect(ofQ(reader)).toHaveLength(4);

  underlying(slow).resume();
  await waitFor("the last counts", () => slow.last("p")?.version === version && slow.last("q")?.version === 4);
  expect(ofQ(slow)).toMatchObject([{ event: "vote:reconciled", reason: "period-closed", upvotes: 4 }]);
  send("q", 5);
  await waitFor("a message as before", () => slow.last("q")?.version === 5);
  expect(slow.last("q")).toMatchObject({ event: "vote:cast" });
});

test("what a slow socket stopped watching is not told it afterwards", async () => {
  const reader = await Watcher.connect(url);
  const slow = await stoppedReading(reader);
  send("q", 1);
  await tell(reader);
  serverSide(slow).leave(projectRoom("q"));
  underlying(slow).resume();
  await waitFor("the last counts", () => slow.last("p")?.version === version);
  expect(slow.last("q")).toBeUndefined();
});

test("many messages within one tick make nobody slow, whatever the transport", async () => {
  const watchers = [await Watcher.connect(url), await Watcher.connect(url, { transports: ["polling"] })];
  for (let upvotes = 1; upvotes <= 50; upvotes++) send("p", upvotes);
  for (const watcher of watchers) await waitFor("all of them", () => watcher.told.length === 50);
  expect(slowSockets).toBe(0);
});

test("a polling socket has the last counts, too", async () => {
  const reader = await Watcher.connect(url);
  const polling = await Watcher.connect(url, { transports: ["polling"] });
  for (let round = 0; round < 100; round++) await tell(reader);
  await waitFor("the last counts", () => polling.last("p")?.version === version);
});
