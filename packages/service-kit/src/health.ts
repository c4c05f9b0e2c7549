/**
 * Alive, ready, measured: `/healthz`, `/readyz` and `/metrics`, the same on every service.
 *
 * Alive says only that the process answers; it never asks a dependency, or an outage of one store would have every
 * service restarted. Ready says it can do its work. Checks run side by side, each with a deadline, and callers who come
 * together share one run.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { type HealthCheck, type HealthReport, runChecks } from "./health-check.js";
import { problem, sendProblem } from "./problem.js";

export interface Health {
  report(): Promise<HealthReport>;
  /**
   * Answers GET and HEAD of the three paths; `false` when the request is for something else.
   * @throws when a figure of `/metrics` cannot be read
   */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
}

const CHECK_TIMEOUT_MS = 1_000;
/** Long enough that a crowd of probes costs one run, short enough that nobody acts on old news. */
const REPORT_KEPT_MS = 250;

const ALLOWED = "GET, HEAD";

export function createHealth(o: {
  service: string;
  checks: readonly HealthCheck[];
  registry: Registry;
  checkTimeoutMs?: number;
}): Health {
  const run = () => runChecks(o.service, o.checks, o.checkTimeoutMs ?? CHECK_TIMEOUT_MS);
  const report = shared(run, REPORT_KEPT_MS);

  const answers: Record<string, (res: ServerResponse) => Promise<void>> = {
    "/healthz": async (res) => sendJson(res, 200, { status: "ok", service: o.service }),
    "/readyz": async (res) => {
      const found = await report();
      sendJson(res, found.status === "down" ? 503 : 200, found);
    },
    "/metrics": async (res) => {
      const text = await o.registry.metrics();
      res.writeHead(200, { "Content-Type": o.registry.contentType }).end(text);
    },
  };

  return {
    report,
    handle: async (req, res) => {
      const instance = (req.url ?? "").split("?", 1)[0] as string;
      const answer = Object.hasOwn(answers, instance) ? answers[instance] : undefined;
      if (answer === undefined) return false;
      if (req.method === "GET" || req.method === "HEAD") await answer(res);
      else
        sendProblem(res, problem(405, `This address takes ${ALLOWED}.`, { headers: { Allow: ALLOWED } }), {
          instance,
          ...requestIdOf(res),
        });
      return true;
    },
  };
}

/** Only vote-api gives its requests an id. */
function requestIdOf(res: ServerResponse): { requestId?: string } {
  const requestId = res.getHeader("X-Request-Id");
  return typeof requestId === "string" ? { requestId } : {};
}

/** Callers share the run under way, and its result for `keptMs` after it. `run` never fails. */
function shared<T>(run: () => Promise<T>, keptMs: number): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let finishedAt = Number.POSITIVE_INFINITY;
  return () => {
    if (latest === undefined || performance.now() - finishedAt > keptMs) {
      finishedAt = Number.POSITIVE_INFINITY;
      latest = run().finally(() => {
        finishedAt = performance.now();
      });
    }
    return latest;
  };
}

function sendJson(res: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  res.writeHead(status, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  res.end(res.req?.method === "HEAD" ? undefined : body);
}
