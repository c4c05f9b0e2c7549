/** The types of this gateway's socket.io server. */
import type { Broadcast, Outcome } from "@votesync/redis-store";
import type { Identity } from "@votesync/service-kit";
import type { Server, Socket } from "socket.io";
import type { BoardMessage } from "./board-tail.js";
import type { RoomMessage } from "./fold.js";

export interface SocketData {
  /** Whose socket it is; `null` for an anonymous watcher. */
  user: Identity | null;
}

/** Nothing is listened to by name: every packet goes through `answerCalls`. */
type ClientEvents = Record<string, never>;
type ServerEvents = Record<RoomMessage["event"], (body: RoomMessage["body"]) => void> &
  Record<Outcome["event"], (body: Outcome["body"]) => void> &
  Record<Broadcast["event"], (body: Broadcast["body"]) => void> &
  Record<BoardMessage["event"], (body: BoardMessage["body"]) => void>;

export type GatewayServer = Server<ClientEvents, ServerEvents, ClientEvents, SocketData>;
export type GatewaySocket = Socket<ClientEvents, ServerEvents, ClientEvents, SocketData>;
/** The connection below a socket, shared by everything that speaks over it. */
export type EngineConnection = GatewaySocket["conn"];
