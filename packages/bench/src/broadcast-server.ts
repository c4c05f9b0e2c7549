/**
 * The baseline of what the gateway delivers: Socket.IO and nothing else, telling all its sockets the same message again and
 * again. A process of its own; its port and the pause between two messages are its arguments. Asked for it, it says what
 * it has cost.
 */
import { createServer } from "node:http";
import { Server } from "socket.io";

const [port, pauseMs] = process.argv.slice(2).map(Number);
const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.join("project:hot");
  socket.on("subscribe", (_: unknown, acknowledge: (answer: object) => void) => acknowledge({ ok: true }));
});
setInterval(() => {
  const version = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  const counts = { id: "crowd-1", upvotes: 1_000, downvotes: 500, voteCount: 500, version };
  io.to("project:hot").emit("vote:cast", counts);
}, pauseMs);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.((user + system) / 1_000_000);
});
process.on("disconnect", () => process.exit());
server.listen(port, "127.0.0.1", () => process.send?.("listening"));
