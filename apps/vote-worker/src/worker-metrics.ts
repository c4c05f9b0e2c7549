import type { Logger } from "@votesync/service-kit";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { AppliedBatch } from "./shard-applier.js";

/** Counts what the worker commits. @returns what to call after each commit */
export function createWorkerMetrics(o: {
  registry: Registry;
  log: Logger;
  shards: () => number[];
}): (batch: AppliedBatch) => void {
  const registers = [o.registry];
  const applied = new Counter({
    name: "votesync_worker_events_applied_total",
    help: "Vote events whose rows are committed",
    registers,
  });
  const dead = new Counter({
    name: "votesync_worker_dead_letters_total",
    help: "Stream entries that could not be applied for a reason of their own",
    registers,
  });
  const drift = new Counter({
    name: "votesync_worker_drift_total",
    help: "Projects whose counters in PostgreSQL differed from their last event's after a batch",
    registers,
  });
  const lag = new Histogram({
    name: "votesync_worker_lag_seconds",
    help: "From a vote's acceptance in Redis to the commit of its rows, for the oldest vote of each batch",
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers,
  });
  new Gauge({
    name: "votesync_worker_shards",
    help: "Shards this worker applies",
    registers,
    collect() {
      this.set(o.shards().length);
    },
  });
  return (batch) => {
    applied.inc(batch.events.length);
    dead.inc(batch.dead.length);
    drift.inc(batch.drifted.length);
    const [oldest] = batch.events;
    if (oldest !== undefined) lag.observe(Math.max(0, Date.now() / 1_000 - oldest.event.acceptedAtUs / 1_000_000));
    for (const { streamId, error } of batch.dead) {
      o.log.error({ shard: batch.shard, stream_id: streamId, reason: error }, "stream entry became a dead letter");
    }
    if (batch.drifted.length > 0) o.log.warn({ projects: batch.drifted.slice(0, 10) }, "counters drifted apart");
  };
}
