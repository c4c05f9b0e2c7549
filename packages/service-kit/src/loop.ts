/**
 * A body that runs again and again: `runOnce` does the work and says whether more is waiting; the loop waits, calls,
 * and survives failures. An error is logged, and the next try comes later and later until one succeeds.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "./logger.js";
import type { Service } from "./service.js";

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;

export interface Loop extends Service {
  /** When the body last ran through, milliseconds since 1970: health looks at progress, not at "is running". */
  lastSuccessAt(): number | null;
}

export interface LoopOptions {
  name: string;
  /** @returns whether more work is waiting: then it is called again at once */
  runOnce: (signal: AbortSignal) => Promise<boolean>;
  idleMs: number;
  log: Logger;
}

export function createLoop({ name, runOnce, idleMs, log }: LoopOptions): Loop {
  let stopping: AbortController | null = null;
  let running: Promise<void> = Promise.resolve();
  let lastSuccessAt: number | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    let backoffMs = 0;
    while (!signal.aborted) {
      let pauseMs = idleMs;
      try {
        if (await runOnce(signal)) pauseMs = 0;
        if (backoffMs > 0) log.info({ loop: name }, "works again");
        backoffMs = 0;
        lastSuccessAt = Date.now();
      } catch (error) {
        // Only the first failure of a row is worth a stack; the rest would fill the disk during an outage.
        if (backoffMs === 0) log.error({ err: error, loop: name }, "failed; trying again");
        backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, backoffMs * 2));
        pauseMs = backoffMs;
      }
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    name,
    lastSuccessAt: () => lastSuccessAt,
    start: async () => {
      if (stopping !== null) return;
      stopping = new AbortController();
      running = run(stopping.signal);
    },
    stop: async () => {
      stopping?.abort();
      await running;
      stopping = null;
    },
  };
}
