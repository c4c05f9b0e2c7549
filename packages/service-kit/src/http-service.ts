/**
 * An HTTP server as a service: stopping takes no new connection and finishes the requests that were begun.
 *
 * Measured on Node 20: `server.close()` alone waits for ever on a connection that never sent a byte (browsers open such
 * in advance), and for the keep-alive timeout on one whose request ends during the stop. So silent and idle
 * connections are cut every few milliseconds while it stops, and whatever is left after a grace period then.
 */
import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "./logger.js";
import type { Service } from "./service.js";

/** A request that is not complete by then is ended; Node's own default is five minutes. */
const REQUEST_TIMEOUT_MS = 10_000;

export const HTTP_SERVER_OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  /** How often Node looks for requests past their time. */
  connectionsCheckingInterval: 1_000,
  /** Longer than proxies keep an idle connection, so that it is never us who closes one in their hands. */
  keepAliveTimeout: 65_000,
} satisfies ServerOptions;

/** The longest answer takes 5 s (a vote that waits for its commit); the rest of the process has 3 s after this. */
const STOP_GRACE_MS = 6_000;
const IDLE_CHECK_MS = 20;

export interface HttpServiceOptions {
  port: number;
  listener: RequestListener;
  log: Logger;
  host?: string;
  /** For requests under way when it stops. */
  stopGraceMs?: number;
}

export function httpService(o: HttpServiceOptions): Service {
  const server = createServer(HTTP_SERVER_OPTIONS, o.listener);
  const sockets = trackSockets(server);
  let stopping: Promise<void> | undefined;
  return {
    name: "http",
    start: async () => {
      stopping = undefined;
      server.listen(o.port, o.host);
      await once(server, "listening");
      o.log.info({ port: o.port }, "listening");
    },
    stop: async () => {
      if (server.listening) stopping ??= drain(server, sockets, o.stopGraceMs ?? STOP_GRACE_MS);
      await stopping;
    },
  };
}

function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

async function drain(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const idleCheck = setInterval(() => {
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  }, IDLE_CHECK_MS);
  const grace = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idleCheck);
  clearTimeout(grace);
}
