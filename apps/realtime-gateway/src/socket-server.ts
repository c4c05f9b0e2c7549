/**
 * socket.io on an HTTP server, with its defaults tightened: small packets, little time to say hello, no client script,
 * no namespaces but "/" (socket.io refuses those nobody defined), and the bounds of connection-limits.ts.
 *
 * Both transports are open so that a default client works with one replica. With more replicas clients must use
 * websocket only: long polling sends each request somewhere else.
 */
import type { Server as HttpServer, IncomingMessage } from "node:http";
import { networkOf } from "@votesync/service-kit";
import { Server } from "socket.io";
import { clientAddress, type TrustsHop } from "./client-address.js";
import { AddressLimit, limitPackets } from "./connection-limits.js";
import type { GatewayMetrics } from "./gateway-metrics.js";
import type { EngineConnection, GatewayServer } from "./sockets.js";

const MAX_PACKET_BYTES = 16 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;

export interface SocketServerOptions {
  /** `["*"]`: all. */
  corsOrigins: string[];
  trustsProxy: TrustsHop;
  maxSocketsPerAddress: number;
  maxPacketsPerSecond: number;
  metrics: GatewayMetrics;
  nowMs: () => number;
}

export function createSocketServer(server: HttpServer, o: SocketServerOptions): GatewayServer {
  const addresses = new AddressLimit(o.maxSocketsPerAddress);
  const networkOfClient = (request: IncomingMessage) => networkOf(clientAddress(request, o.trustsProxy));
  const anyOrigin = o.corsOrigins.includes("*");
  const refusalOf = (request: IncomingMessage): string | null => {
    const { origin } = request.headers;
    // Browsers check CORS for polling only; a page's websocket names its origin and leaves the check to the server.
    if (!anyOrigin && origin !== undefined && !o.corsOrigins.includes(origin)) return "origin not allowed";
    return addresses.hasRoom(networkOfClient(request)) ? null : "too many sockets from this address";
  };
  const io: GatewayServer = new Server(server, {
    path: "/socket.io",
    transports: ["polling", "websocket"],
    serveClient: false,
    maxHttpBufferSize: MAX_PACKET_BYTES,
    connectTimeout: CONNECT_TIMEOUT_MS,
    perMessageDeflate: false,
    cors: { origin: anyOrigin ? "*" : o.corsOrigins },
    allowRequest: (request, decide) => {
      const refusal = refusalOf(request);
      if (refusal !== null) o.metrics.refused.inc();
      decide(refusal, refusal === null);
    },
  });
  io.engine.on("connection", (connection: EngineConnection) => {
    const address = networkOfClient(connection.request);
    addresses.add(address);
    connection.on("close", () => addresses.remove(address));
    limitPackets(connection, {
      perSecond: o.maxPacketsPerSecond,
      nowMs: o.nowMs,
      onFlood: () => o.metrics.floods.inc(),
    });
    // Only this handler needs the first request; keeping it would hold its headers for as long as the socket lives.
    (connection as { request: unknown }).request = null;
  });
  return io;
}
