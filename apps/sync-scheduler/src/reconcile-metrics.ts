import type { Logger } from "@votesync/service-kit";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { PassReport } from "./reconcile-pass.js";

/** @returns what to run a pass through */
export function createReconcileMetrics(registry: Registry, log: Logger) {
  const registers = [registry];
  const drift = new Counter({
    name: "votesync_reconcile_drift_total",
    help: "Projects whose counters were not those of their rows, by the store that was wrong; all were repaired",
    labelNames: ["store"],
    registers,
  });
  for (const store of ["redis", "postgres"]) drift.inc({ store }, 0);
  const compared = new Counter({
    name: "votesync_reconcile_projects_total",
    help: "Projects compared between Redis and PostgreSQL",
    registers,
  });
  const waiting = new Gauge({
    name: "votesync_reconcile_waiting",
    help: "Projects the last pass left to the next, because votes of them were on their way",
    registers,
  });
  const duration = new Histogram({
    name: "votesync_reconcile_duration_seconds",
    help: "How long a pass over all shards took",
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  let finishedAtMs: number | null = null;
  new Gauge({
    name: "votesync_reconcile_age_seconds",
    help: "Since the last pass that could compare every shard it had",
    registers,
    collect() {
      if (finishedAtMs !== null) this.set((performance.now() - finishedAtMs) / 1_000);
    },
  });

  async function measured(pass: () => Promise<PassReport>): Promise<PassReport> {
    const startedAtMs = performance.now();
    const report = await pass();
    duration.observe((performance.now() - startedAtMs) / 1_000);
    compared.inc(report.compared);
    waiting.set(report.waiting);
    for (const store of report.repaired.flatMap((project) => project.drift)) drift.inc({ store });
    if (report.repaired.length > 0)
      log.warn({ repaired: report.repaired.slice(0, 20) }, "counters had drifted, repaired");
    if (report.failed === 0) finishedAtMs = performance.now();
    return report;
  }
  return { measured, ageMs: () => (finishedAtMs === null ? null : performance.now() - finishedAtMs) };
}
