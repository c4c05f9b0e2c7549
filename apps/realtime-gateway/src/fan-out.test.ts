import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { projectRoom } from "@votesync/core";
import { waitFor } from "@votesync/testkit";
import { Server } from "socket.io";
import { FanOut, MAX_QUEUED_PACKETS } from "./fan-out.js";
import type { RoomMessage } from "./fold.js";
import type { GatewayServer } from "./sockets.js";
import { Watcher } from "./watcher.testing.js";

let io: GatewayServer;
let fanOut: FanOut;
let url: string;
let slowSockets = 0;

beforeAll(async () => {
  const server = createServer();
  io = new Server(server);
  io.on("connection", (socket) => socket.join([projectRoom("p"), projectRoom("q")]));
  fanOut = new FanOut(io, () => slowSockets++);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  Watcher.closeAll();
  return io.close();
});

const message = (id: string, version: number): RoomMessage => ({
  event: "vote:cast",
  body: { id, upvotes: version, downvotes: 0, voteCount: version, version },
});

test("a socket that takes no data queues no more than the bound, then gets each project's last counts", async () => {
  const watcher = await Watcher.connect(url);
  await waitFor("the room", () => io.of("/").adapter.rooms.has(projectRoom("p")));
  // Within one tick no socket can take anything: the slowest one there is.
  const sent = 3 * MAX_QUEUED_PACKETS;
  for (let version = 1; version <= sent; version++) fanOut.send(message("p", version));
  fanOut.send(message("q", 1));
  fanOut.send(message("q", 2));
  await waitFor("the last counts", () => watcher.last("p")?.version === sent && watcher.last("q")?.version === 2);
  expect(slowSockets).toBe(1);
  expect(watcher.told.length).toBeLessThanOrEqual(MAX_QUEUED_PACKETS + 10);
  const versions = watcher.told.filter(({ id }) => id === "p").map(({ version }) => version);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  fanOut.send(message("p", sent + 1));
  await waitFor("a message as before", () => watcher.last("p")?.version === sent + 1);
});
