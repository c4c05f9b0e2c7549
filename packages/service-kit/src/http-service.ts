import { once } from "node:events";
import { createServer, type RequestListener, type ServerOptions } from "node:http";
import type { Health } from "./health.js";
import type { Logger } from "./logger.js";
import { problem, sendProblem } from "./problem.js";
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

/** An HTTP server as a service: stopping takes no new request and finishes the running ones. */
export function httpService(o: { port: number; listener: RequestListener; log: Logger; host?: string }): Service {
  const server = createServer(HTTP_SERVER_OPTIONS, o.listener);
  return {
    name: "http",
    start: async () => {
      server.listen(o.port, o.host);
      await once(server, "listening");
      o.log.info({ port: o.port }, "listening");
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

/** For services that have no other HTTP: health and metrics, and nothing else. */
export function createHealthServer(o: { port: number; health: Health; log: Logger }): Service {
  const listener: RequestListener = async (req, res) => {
    if (await o.health.handle(req, res)) return;
    const instance = (req.url ?? "").split("?", 1)[0] as string;
    sendProblem(res, problem(404, "This service has /healthz, /readyz and /metrics."), { instance });
  };
  return httpService({ port: o.port, listener, log: o.log });
}
