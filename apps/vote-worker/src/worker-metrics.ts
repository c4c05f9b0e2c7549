import type { Logger } from "@votesync/service-kit";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { RetriesOptions } from "./retries.js";
import type { AppliedBatch } from "./shard-applier.js";

export interface WorkerMetrics {
  onApplied: (batch: AppliedBatch) => void;
  onRetried: RetriesOptions["onRetried"];
}

export interface WorkerMetricsOptions {
  registry: Registry;
  log: Logger;
  /** The shards this worker applies: what it reports is about these, so figures of all workers may be added up. */
  shards: () => number[];
  /** How many of them nothing is applied to now. */
  stoppedShards: () => number;
  countFailures: () => Promise<{ parked: number; deadLetters: number }>;
}

export function createWorkerMetrics(o: WorkerMetricsOptions): WorkerMetrics {
  exposeFailures(o);
  return { onApplied: countApplied(o), onRetried: countRetries(o) };
}

function countApplied(o: WorkerMetricsOptions): WorkerMetrics["onApplied"] {
  const registers = [o.registry];
  const applied = new Counter({
    name: "votesync_worker_events_applied_total",
    help: "Vote events whose rows are committed",
    registers,
  });
  const parked = new Counter({
    name: "votesync_worker_parked_total",
    help: "Stream entries that could not be applied for a reason of their own, and wait for a retry",
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
  new Gauge({
    name: "votesync_worker_stopped_shards",
    help: "Shards of this worker to which nothing is applied: a store went back in time, or an event is of a newer release",
    registers,
    collect() {
      this.set(o.stoppedShards());
    },
  });
  return (batch) => {
    applied.inc(batch.events.length);
    parked.inc(batch.parked.length);
    drift.inc(batch.drifted.length);
    const [oldest] = batch.events;
    if (oldest !== undefined) lag.observe(Math.max(0, Date.now() / 1_000 - oldest.event.acceptedAtUs / 1_000_000));
    const [first] = batch.parked;
    if (first !== undefined) {
      const where = { shard: batch.shard, count: batch.parked.length, first: first.streamId, reason: first.error };
      o.log.warn(where, "stream entries could not be applied; they will be tried again");
    }
    if (batch.drifted.length > 0) o.log.warn({ projects: batch.drifted.slice(0, 10) }, "counters drifted apart");
  };
}

function countRetries({ registry, log }: WorkerMetricsOptions): WorkerMetrics["onRetried"] {
  const retries = new Counter({
    name: "votesync_worker_retries_total",
    help: "Retries of parked entries, by what came of them",
    labelNames: ["result"],
    registers: [registry],
  });
  const dead = new Counter({
    name: "votesync_worker_dead_letters_total",
    help: "Stream entries given up after their last retry",
    registers: [registry],
  });
  return ({ shard, streamId, attempts }, result) => {
    retries.inc({ result: result.kind });
    if (result.kind !== "dead") return;
    dead.inc();
    const about = { shard, stream_id: streamId, attempts: attempts + 1, reason: result.error };
    log.error(about, "stream entry became a dead letter");
  };
}

/** However often somebody asks for /metrics, PostgreSQL is asked this seldom. */
const FAILURES_KEPT_MS = 5_000;

/** While PostgreSQL is away the last figures stand. */
function exposeFailures({ registry, countFailures }: WorkerMetricsOptions): void {
  let counts = { parked: 0, deadLetters: 0 };
  let reading = Promise.resolve();
  let readAtMs = Number.NEGATIVE_INFINITY;
  const read = async () => {
    counts = await countFailures().catch(() => counts);
  };
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        if (performance.now() - readAtMs >= FAILURES_KEPT_MS) {
          readAtMs = performance.now();
          reading = read();
        }
        await reading;
        this.set(value());
      },
    });
  gauge("votesync_worker_parked_events", "Parked entries of this worker's shards", () => counts.parked);
  gauge(
    "votesync_worker_unresolved_dead_letters",
    "Unresolved dead letters of this worker's shards",
    () => counts.deadLetters,
  );
}
