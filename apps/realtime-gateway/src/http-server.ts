/** What the gateway serves besides sockets: its operator's pages, and a 404 for everything else. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Health, HTTP_SERVER_OPTIONS, type Logger, problem, sendProblem } from "@votesync/service-kit";

export function createHttpServer(health: Health, log: Logger): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const instance = (request.url ?? "/").split("?", 1)[0] as string;
    try {
      if (await health.handle(request, response)) return;
      throw problem(404, "Sockets connect at /socket.io; there are /healthz, /readyz and /metrics besides.");
    } catch (error) {
      sendProblem(response, error, { instance, requestId: randomUUID(), log });
    }
  };
  return createServer(HTTP_SERVER_OPTIONS, (request, response) => void answer(request, response));
}
