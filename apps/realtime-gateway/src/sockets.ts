/** The types of this gateway's socket.io server. */
import type { SOCKET_EVENTS } from "@votesync/core";
import type { Broadcast, Outcome } from "@votesync/redis-store";
import type { Identity } from "@votesync/service-kit";
import type { Server, Socket } from "socket.io";
import type { BoardMessage } from "./board-tail.js";
import type { RoomMessage } from "./fold.js";

export interface SocketData {
  /** Whose socket it is; `null` for an anonymous watcher. */
  user: Identity | null;
  /** When it stops being theirs, milliseconds since 1970; only with a user. */
  tokenExpiresAtMs?: number;
}

/** Nothing is listened to by name: every packet goes through `answerCalls`. */
type ClientEvents = Record<string, never>;
/** How something stands: a newer one makes it worthless. */
export type StateMessage = RoomMessage | BoardMessage | Exclude<Broadcast, { event: "board:changed" }>;
/** The token a socket signed in with has run out. It goes on as a watcher. */
export interface TokenExpired {
  event: typeof SOCKET_EVENTS.tokenExpired;
  body: Record<string, never>;
}
type ServerMessage = StateMessage | Outcome | TokenExpired;
type ServerEvents = Record<ServerMessage["event"], (body: ServerMessage["body"]) => void>;

export type GatewayServer = Server<ClientEvents, ServerEvents, ClientEvents, SocketData>;
export type GatewaySocket = Socket<ClientEvents, ServerEvents, ClientEvents, SocketData>;
/** The connection below a socket, shared by everything that speaks over it. */
export type EngineConnection = GatewaySocket["conn"];
