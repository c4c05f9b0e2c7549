/**
 * Sends states to rooms: volatile, so that nobody's slowness costs the others anything, and yet the last one reaches everybody.
 *
 * socket.io's own volatile messages are dropped for good, and the last one is the one that matters. So a socket whose
 * connection has not taken what it was sent in an earlier tick is set aside: nothing is queued for it, and of every
 * state only the newest message is kept (the object that all sockets share). Once its connection takes data again it gets
 * those and is back. A slow socket sees fewer messages, each as new as its network allows, the last one always; it costs two
 * ticks' packets and one reference per thing it watches. That a period closed is news, and no later counts replace it: they are kept
 * as a message that says both. What the operating system holds for it is not ours to bound.
 */
import { saysClosed, withClosed } from "./period-end.js";
import { queuedPackets } from "./send-queue.js";
import type { GatewayServer, GatewaySocket, StateMessage } from "./sockets.js";

interface Kept {
  room: string;
  message: StateMessage;
}

export class FanOut {
  /** Id of a slow socket → what it has not got: key of the state → its newest message. */
  private readonly slow = new Map<string, Map<string, Kept>>();
  /** Ids of sockets that were found ready in this tick: what waits for them now is of this tick. */
  private readonly ready = new Set<string>();

  constructor(
    private readonly io: GatewayServer,
    private readonly onSlowSocket: () => void,
  ) {}

  /**
   * @param key what it is the state of; a newer message with the same key makes the older one worthless
   * @returns to how many sockets it went, or will go
   */
  send(room: string, message: StateMessage, key = room): number {
    const { adapter, sockets } = this.io.of("/");
    const members = adapter.rooms.get(room);
    if (members === undefined) return 0;
    const left: string[] = [];
    for (const id of members) {
      if (!this.isReady(id, sockets)) left.push(id);
    }
    this.keep(left, key, { room, message });
    this.io.to(room).except(left).emit(message.event, message.body);
    return members.size;
  }

  /** What a period's end becomes with newer counts is made once for all sockets that share it. */
  private keep(socketIds: readonly string[], key: string, newest: Kept): void {
    const withItsEnd = { ...newest, message: withClosed(newest.message) };
    for (const id of socketIds) {
      const states = this.slow.get(id);
      states?.set(key, saysClosed(states.get(key)?.message) ? withItsEnd : newest);
    }
  }

  private isReady(id: string, sockets: ReadonlyMap<string, GatewaySocket>): boolean {
    if (this.ready.has(id)) return true;
    if (this.slow.has(id)) return false;
    const socket = sockets.get(id);
    if (socket !== undefined && queuedPackets(socket.conn) > 0) {
      this.setAside(socket);
      return false;
    }
    // What takes data does so before the loop turns.
    if (this.ready.size === 0) setImmediate(() => this.ready.clear());
    this.ready.add(id);
    return true;
  }

  private setAside(socket: GatewaySocket): void {
    const connection = socket.conn;
    const kept = new Map<string, Kept>();
    this.slow.set(socket.id, kept);
    const forget = () => {
      connection.off("drain", takeBack);
      this.slow.delete(socket.id);
    };
    const takeBack = () => {
      socket.off("disconnect", forget);
      this.slow.delete(socket.id);
      for (const { room, message } of kept.values()) {
        if (socket.rooms.has(room)) socket.emit(message.event, message.body);
      }
    };
    connection.once("drain", takeBack);
    // A connection that never drains is closed by its ping timeout.
    socket.once("disconnect", forget);
    this.onSlowSocket();
  }
}
