/** A gateway's end, as its sockets see it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { waitFor } from "@votesync/testkit";
import { Server } from "socket.io";
import { sendAway } from "./drain.js";
import type { EngineConnection, GatewayServer } from "./sockets.js";
import { Watcher } from "./watcher.testing.js";

let io: GatewayServer;
let url: string;

beforeEach(async () => {
  const server = createServer();
  io = new Server(server);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  Watcher.closeAll();
  await io.close();
});

const connect = (count: number) =>
  Promise.all(Array.from({ length: count }, () => Watcher.connect(url, { reconnection: false })));

const connections = (): EngineConnection[] =>
  [...io.of("/").sockets.values()].map(({ conn }) => conn).filter(({ readyState }) => readyState === "open");

/** Takes the steps one by one, each when `next` is called. */
function startSendingAway() {
  let next: () => void = () => undefined;
  const done = sendAway(connections, () => new Promise<void>((resolve) => (next = resolve)));
  return { done, next: () => next() };
}

test("sockets are sent away a few at a time, and until its turn each is told everything", async () => {
  const watchers = await connect(50);
  const gone = () => watchers.filter(({ socket }) => !socket.connected);
  const { done, next } = startSendingAway();
  await waitFor("the first to go", () => gone().length === 20);
  io.emit("launch:finalized", { date: "2026-11-28", updated: 1, top3: [] });
  const staying = watchers.filter(({ socket }) => socket.connected);
  for (const watcher of staying) await waitFor("the message", () => watcher.told.length === 1);
  next();
  await waitFor("the next to go", () => gone().length === 40);
  next();
  await done;
  await waitFor("the last to go", () => gone().length === 50);
});

test("a crowd goes in 60 steps, so that a stop has an end", async () => {
  const counts = [1, 20, 6_000, 60_000].map(async (size) => {
    const crowd = Array.from({ length: size }, () => fakeConnection());
    let pauses = 0;
    await sendAway(
      () => crowd.filter(({ readyState }) => readyState === "open"),
      async () => void pauses++,
    );
    expect(crowd.every(({ readyState }) => readyState === "closing")).toBe(true);
    return pauses;
  });
  expect(await Promise.all(counts)).toEqual([0, 0, 59, 59]);
});

/** Nobody holds 60,000 sockets for a test; what is counted here is the steps. */
function fakeConnection(): EngineConnection {
  const connection = { readyState: "open", close: () => (connection.readyState = "closing") };
  return connection as unknown as EngineConnection;
}
