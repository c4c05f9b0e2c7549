import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface DayMetrics {
  /** @param dueAtMs since when the day that waits longest is due, ms since 1970; `null` when none is */
  waitingSince(dueAtMs: number | null): void;
  finalizing<T>(work: () => Promise<T>): Promise<T>;
  flushing<T>(work: () => Promise<T>): Promise<T>;
}

/** Seconds: a day of ten apps to one of ten thousand. */
const BUCKETS = [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

export function createDayMetrics(registry: Registry): DayMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: "votesync_launch_seconds",
    help: "How long work on a launch day took",
    labelNames: ["work"],
    buckets: BUCKETS,
    registers,
  });
  const failures = new Counter({
    name: "votesync_launch_failures_total",
    help: "Work on a launch day that failed and is tried again",
    labelNames: ["work"],
    registers,
  });
  let oldestDueAtMs: number | null = null;
  new Gauge({
    name: "votesync_launch_waiting_seconds",
    help: "For how long the day that waits longest has been due and is not final; 0 when none is",
    registers,
    // Counted when it is asked for: it grows also while nothing else works.
    collect() {
      this.set(oldestDueAtMs === null ? 0 : Math.max(0, Date.now() - oldestDueAtMs) / 1_000);
    },
  });
  const measured = async <T>(work: string, run: () => Promise<T>): Promise<T> => {
    const stop = duration.startTimer({ work });
    try {
      return await run();
    } catch (error) {
      failures.inc({ work });
      throw error;
    } finally {
      stop();
    }
  };
  return {
    waitingSince: (dueAtMs) => {
      oldestDueAtMs = dueAtMs;
    },
    finalizing: (work) => measured("finalize", work),
    flushing: (work) => measured("flush", work),
  };
}
