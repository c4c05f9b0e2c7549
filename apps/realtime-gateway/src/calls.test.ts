/** A client that asks and does not listen. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLogger } from "@votesync/service-kit";
import { waitFor } from "@votesync/testkit";
import { Server } from "socket.io";
import { answerCalls } from "./calls.js";
import { queuedPackets } from "./send-queue.js";
import type { GatewayServer, GatewaySocket } from "./sockets.js";
import { Watcher } from "./watcher.testing.js";

const MEGABYTE = 1_000_000;
/** More of them than any operating system holds for one connection. */
const CALLS = 100;

let io: GatewayServer;
let url: string;
let answered = 0;

beforeAll(async () => {
  const server = createServer();
  io = new Server(server, { perMessageDeflate: false });
  const large = async () => {
    answered++;
    return { large: "x".repeat(MEGABYTE) };
  };
  const log = createLogger({ service: "test", level: "silent" });
  io.on("connection", (socket) =>
    answerCalls(socket, { calls: new Map([["large", large]]), nowMs: () => performance.now(), log }),
  );
  await new Promise<void>((resolve) => server.listen(0, resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  Watcher.closeAll();
  await io.close();
});

test("who does not take answers is not given more of them, and is told so once they listen again", async () => {
  const watcher = await Watcher.connect(url);
  const { ws } = watcher.socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } };
  ws.pause();
  const answers: { ok: boolean }[] = [];
  for (let i = 0; i < CALLS; i++) watcher.socket.emit("large", {}, (answer: { ok: boolean }) => answers.push(answer));
  const { conn } = io.of("/").sockets.get(watcher.socket.id as string) as GatewaySocket;
  await waitFor("refusals", () => answered > 0 && queuedPackets(conn) > CALLS - answered);
  expect(answered).toBeLessThan(CALLS / 2);
  ws.resume();
  await waitFor("an answer to each", () => answers.length === CALLS);
  expect(answers.filter(({ ok }) => !ok)).toHaveLength(CALLS - answered);
});
