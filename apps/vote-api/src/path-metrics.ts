/** Which way votes take, and what it takes to come back: counted, and logged when it changes. */
import type { RecoveryReport } from "@votesync/reconcile";
import type { Logger } from "@votesync/service-kit";
import { Counter, Gauge, type Registry } from "prom-client";

/** While votes take the fallback, its reason is logged this often. */
const REASON_LOGGED_MS = 5_000;

export function createPathMetrics(registry: Registry, log: Logger) {
  const registers = [registry];
  const fallbacks = new Counter({
    name: "votesync_fallback_votes_total",
    help: "Votes that tried PostgreSQL because Redis could not take them",
    registers,
  });
  const open = new Gauge({
    name: "votesync_redis_breaker_open",
    help: "1 while votes do not try Redis at all",
    registers,
  });
  const recovered = new Counter({
    name: "votesync_recovered_projects_total",
    help: "Projects that Redis was made to read anew after the fallback took votes on them",
    registers,
  });
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  return {
    fallback: (error: unknown) => {
      fallbacks.inc();
      if (performance.now() - loggedAtMs < REASON_LOGGED_MS) return;
      loggedAtMs = performance.now();
      log.warn({ err: error }, "Redis cannot take votes, PostgreSQL does");
    },
    breaker: (state: "open" | "close") => {
      open.set(state === "close" ? 0 : 1);
      if (state === "close") log.info({}, "votes go through Redis again");
    },
    recovered: (report: RecoveryReport) => {
      recovered.inc(report.recovered);
      log.info(report, "recovered projects that were degraded");
    },
  };
}
