/**
 * Sends messages to rooms without letting a slow socket queue them without bound.
 *
 * Volatile emits would bound the queue too, but drop the one message that matters, the last. So sockets get ordinary
 * emits; one whose queue grows past the bound is taken out of the fan-out, and of every project only the newest
 * message is kept for it (the object all sockets share). Once its connection takes data again it gets those and is
 * back. So a slow socket sees fewer messages, the last one always, and costs at most one reference per watched project.
 */
import { projectRoom } from "@votesync/core";
import type { RoomMessage } from "./fold.js";
import type { EngineConnection, GatewayServer, GatewaySocket } from "./sockets.js";

/** Above what one pass can bring to a socket at rest, which queues too until the tick is over. */
export const MAX_QUEUED_PACKETS = 1_000;
const SLOW_SOCKETS_ROOM = "slow";

export class FanOut {
  /** Slow socket → project id → the newest message it has not got. Goes with the socket. */
  private readonly missed = new WeakMap<GatewaySocket, Map<string, RoomMessage>>();

  constructor(
    private readonly io: GatewayServer,
    private readonly onSlowSocket: () => void,
  ) {}

  /** @returns to how many sockets it went, or will go */
  send(message: RoomMessage): number {
    const room = projectRoom(message.body.id);
    this.io.to(room).except(SLOW_SOCKETS_ROOM).emit(message.event, message.body);
    const { adapter, sockets } = this.io.of("/");
    const members = adapter.rooms.get(room) ?? new Set<string>();
    for (const id of members) {
      const socket = sockets.get(id);
      if (socket !== undefined) this.watchQueue(socket, message);
    }
    return members.size;
  }

  private watchQueue(socket: GatewaySocket, message: RoomMessage): void {
    const missed = this.missed.get(socket);
    if (missed !== undefined) missed.set(message.body.id, message);
    else if (queuedPackets(socket.conn) > MAX_QUEUED_PACKETS) this.setAside(socket);
  }

  private setAside(socket: GatewaySocket): void {
    this.missed.set(socket, new Map());
    socket.join(SLOW_SOCKETS_ROOM);
    // A connection that never drains is closed by its ping timeout.
    socket.conn.once("drain", () => this.takeBack(socket));
    this.onSlowSocket();
  }

  private takeBack(socket: GatewaySocket): void {
    const missed = this.missed.get(socket);
    if (missed === undefined) return;
    this.missed.delete(socket);
    socket.leave(SLOW_SOCKETS_ROOM);
    for (const [projectId, { event, body }] of missed) {
      if (socket.rooms.has(projectRoom(projectId))) socket.emit(event, body);
    }
  }
}

/** Packets the transport has not taken yet. engine.io documents the buffer but types it as private. */
function queuedPackets(connection: EngineConnection): number {
  return (connection as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
}
