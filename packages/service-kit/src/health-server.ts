import type { RequestListener } from "node:http";
import type { Health } from "./health.js";
import { httpService } from "./http-service.js";
import type { Logger } from "./logger.js";
import { problem, sendProblem } from "./problem.js";
import type { Service } from "./service.js";

/** For services that have no other HTTP: health and metrics, and nothing else. */
export function createHealthServer(o: { port: number; host?: string; health: Health; log: Logger }): Service {
  const listener: RequestListener = async (req, res) => {
    try {
      if (await o.health.handle(req, res)) return;
      throw problem(404, "This service has /healthz, /readyz and /metrics.");
    } catch (error) {
      sendProblem(res, error, { instance: (req.url ?? "").split("?", 1)[0] as string, log: o.log });
    }
  };
  return httpService({ ...o, listener });
}
