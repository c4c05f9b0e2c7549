import type { Logger } from "@votesync/service-kit";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { TailObserver } from "./shard-tail.js";

const PREFIX = "votesync_gateway";

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

export function createGatewayMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `${PREFIX}_${name}`, help, registers });
  return {
    eventsRead: counter("events_read_total", "Entries read from the event streams"),
    entriesSkipped: counter("entries_skipped_total", "Stream entries passed over because they are no vote events"),
    gaps: counter("gaps_total", "Times a shard's stream was found trimmed, wiped or rolled back behind the cursor"),
    failedPasses: counter("failures_total", "Outages of reading a shard's stream"),
    deliveries: counter("deliveries_total", "Messages times the sockets they went to"),
    slowSockets: counter("slow_sockets_total", "Times a socket was set aside because it takes data too slowly"),
    floods: counter("floods_total", "Connections closed because they sent too many packets"),
    refused: counter("connections_refused_total", "Connections refused for their address or origin"),
    messages: new Counter({
      name: `${PREFIX}_messages_total`,
      help: "Messages emitted to rooms",
      labelNames: ["event"],
      registers,
    }),
    foldLag: new Histogram({
      name: `${PREFIX}_fold_lag_seconds`,
      help: "From a vote's acceptance in Redis to the message that tells it, for the last vote of each fold",
      buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
  };
}

/** Gauges that are read when somebody asks. */
export function exposeGauges(registry: Registry, gauges: Record<"sockets" | "projects" | "shards", () => number>) {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `${PREFIX}_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("sockets", "Connected sockets", gauges.sockets);
  gauge("rooms", "Projects with at least one watcher", gauges.projects);
  gauge("shards_followed", "Shards whose stream is read", gauges.shards);
}

/** Counts and logs what happens to the tails: an outage once when it begins and once when it ends. */
export function observeTail(metrics: GatewayMetrics, log: Logger): TailObserver {
  return {
    eventsRead: (count) => metrics.eventsRead.inc(count),
    entriesSkipped: (shard, skipped) => {
      metrics.entriesSkipped.inc(skipped.length);
      log.error({ shard, count: skipped.length, first: skipped[0] }, "stream entries are no vote events, skipped");
    },
    gapFound: (shard, gap) => {
      metrics.gaps.inc();
      log.warn({ shard, ...gap }, "events were missed, telling fresh counts instead");
    },
    passFailed: (shard, error) => {
      metrics.failedPasses.inc();
      log.warn({ shard, err: error }, "cannot follow the shard's events, trying on");
    },
    passRecovered: (shard) => log.info({ shard }, "following the shard's events again"),
  };
}
