/**
 * Alive, ready, measured: `/healthz`, `/readyz` and `/metrics`, the same on every service.
 *
 * Alive says only that the process answers; it never asks a dependency, or an outage of one store would have every
 * service restarted. Ready says it can do its work. Checks run side by side, each with a deadline, and callers who come
 * together share one run.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { withDeadline } from "./deadline.js";
import { problem, sendProblem } from "./problem.js";

export interface HealthCheck {
  name: string;
  /** Without it the service cannot do its work; others only degrade it. */
  required: boolean;
  /** @returns what an operator might want to know. @throws when it is down */
  check(): Promise<unknown>;
}

export interface CheckResult {
  status: "up" | "down";
  latency_ms: number;
  error?: string;
  [info: string]: unknown;
}

export interface HealthReport {
  status: "ok" | "degraded" | "down";
  service: string;
  checks: Record<string, CheckResult>;
}

export interface Health {
  report(): Promise<HealthReport>;
  /** Answers the three paths; `false` when the request is for something else. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
}

const CHECK_TIMEOUT_MS = 1_000;
/** Long enough that a crowd of probes costs one run, short enough that nobody acts on old news. */
const REPORT_KEPT_MS = 250;

export function createHealth(o: {
  service: string;
  checks: readonly HealthCheck[];
  registry: Registry;
  checkTimeoutMs?: number;
}): Health {
  let latest: { at: number; report: Promise<HealthReport> } | undefined;

  function report(): Promise<HealthReport> {
    if (latest === undefined || Date.now() - latest.at > REPORT_KEPT_MS) {
      latest = { at: Date.now(), report: runChecks(o.service, o.checks, o.checkTimeoutMs ?? CHECK_TIMEOUT_MS) };
    }
    return latest.report;
  }

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
      const path = (req.url ?? "").split("?", 1)[0] as string;
      const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
      if (answer === undefined) return false;
      if (req.method === "GET" || req.method === "HEAD") await answer(res);
      else
        sendProblem(res, problem(405, "This address takes GET, HEAD.", { headers: { Allow: "GET, HEAD" } }), {
          instance: path,
        });
      return true;
    },
  };
}

async function runChecks(service: string, checks: readonly HealthCheck[], timeoutMs: number): Promise<HealthReport> {
  const results = await Promise.all(checks.map((check) => runCheck(check, timeoutMs)));
  const isDown = (required: boolean) => checks.some((c, i) => c.required === required && results[i]?.status === "down");
  const status = isDown(true) ? "down" : isDown(false) ? "degraded" : "ok";
  return {
    status,
    service,
    checks: Object.fromEntries(checks.map(({ name }, i) => [name, results[i] as CheckResult])),
  };
}

async function runCheck({ name, check }: HealthCheck, timeoutMs: number): Promise<CheckResult> {
  const startedAt = performance.now();
  const took = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const info = await withDeadline(check(), timeoutMs, name);
    return { status: "up", latency_ms: took(), ...(typeof info === "object" ? info : {}) };
  } catch (error) {
    return { status: "down", latency_ms: took(), error: error instanceof Error ? error.message : String(error) };
  }
}

function sendJson(res: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  res.writeHead(status, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  res.end(res.req?.method === "HEAD" ? undefined : body);
}
