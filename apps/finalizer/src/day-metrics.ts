import { Counter, Histogram, type Registry } from "prom-client";

export interface DayMetrics {
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
    finalizing: (work) => measured("finalize", work),
    flushing: (work) => measured("flush", work),
  };
}
