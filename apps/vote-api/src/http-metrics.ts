import type { RequestHandler } from "express";
import { Counter, Histogram, type Registry } from "prom-client";

export interface HttpMetrics {
  /** @param route the pattern, never the path: a label per project would be a leak */
  observe(request: { method: string; route: string; status: number; startedAtMs: number }): void;
  vote(outcome: string): void;
}

const VOTE_ROUTE = "POST /api/votes";

/**
 * @param startedAtMs values of `performance.now()`
 * @param onVoteAnswered told of each answer to a vote, whichever way it came in
 */
export function createHttpMetrics(
  registry: Registry,
  onVoteAnswered: (status: number, latencyMs: number) => void,
): HttpMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: "votesync_http_request_duration_seconds",
    help: "From the request's headers to its answer",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const votes = new Counter({
    name: "votesync_votes_total",
    help: "Votes by what they came to: created, changed, removed, unchanged, degraded, replayed, limited, conflict, unknown-project",
    labelNames: ["outcome"],
    registers,
  });
  // Looking a label set up costs more than counting; there are few of them.
  const durations = new Map<string, Histogram.Internal<"method" | "route" | "status">>();
  const durationOf = (method: string, route: string, status: number) => {
    const key = `${method} ${route} ${status}`;
    const known = durations.get(key) ?? duration.labels({ method, route, status });
    durations.set(key, known);
    return known;
  };
  return {
    observe: ({ method, route, status, startedAtMs }) => {
      const latencyMs = performance.now() - startedAtMs;
      durationOf(method, route, status).observe(latencyMs / 1_000);
      if (`${method} ${route}` === VOTE_ROUTE) onVoteAnswered(status, latencyMs);
    },
    vote: (outcome) => votes.inc({ outcome }),
  };
}

export function measured(metrics: HttpMetrics): RequestHandler {
  return (req, res, next) => {
    const startedAtMs = performance.now();
    res.once("finish", () => {
      const route = (req.route as { path?: string } | undefined)?.path ?? "other";
      metrics.observe({ method: req.method, route, status: res.statusCode, startedAtMs });
    });
    next();
  };
}
