/**
 * A body that runs again and again: `runOnce` does the work and says whether more is waiting; the loop waits, calls,
 * and survives failures. An error is logged, and the next try comes later and later until one succeeds.
 *
 * Always holds: one `runOnce` at a time; `stop` ends a pause at once, and waits for a running `runOnce` to finish.
 */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "./logger.js";
import type { Service } from "./service.js";

const BACKOFF = { firstMs: 100, maxMs: 5_000 };

/** Before it ran through once, an error is no news for so long: connections are still being made. */
const START_MS = 2_000;

/** While the same error repeats, it is logged this often: enough to see that it lasts, too little to fill a disk. */
const REPEATED_ERROR_MS = 10_000;

export interface Loop extends Service {
  /** When the body last ran through, milliseconds since 1970: health looks at progress, not at "is running". */
  lastFinishedAt(): number | null;
}

export interface LoopOptions {
  name: string;
  /** @returns whether more work is waiting: then it is called again at once. The signal says that the loop stops. */
  runOnce: (signal: AbortSignal) => Promise<boolean>;
  /** Pause where nothing is waiting; asked for each time where it varies. */
  idleMs: number | (() => number);
  log: Logger;
  /** The pause after a failure, doubled from the first to the most. */
  backoff?: { firstMs: number; maxMs: number };
  /** How long failures at the start are no news. */
  startMs?: number;
}

export function createLoop(options: LoopOptions): Loop {
  const { name, runOnce, idleMs, log, backoff = BACKOFF, startMs = START_MS } = options;
  let stopping: AbortController | null = null;
  let running: Promise<void> = Promise.resolve();
  let lastFinishedAt: number | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    const failures = new FailureLog(name, log);
    const startedAtMs = performance.now();
    let backoffMs = 0;
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        const hasMore = await runOnce(signal);
        pauseMs = hasMore ? 0 : idlePause(idleMs);
        failures.end();
        backoffMs = 0;
        lastFinishedAt = Date.now();
      } catch (error) {
        // An error because of stopping is no news.
        const isStarting = lastFinishedAt === null && performance.now() - startedAtMs < startMs;
        if (!signal.aborted && !isStarting) failures.add(error);
        backoffMs = Math.min(backoff.maxMs, Math.max(backoff.firstMs, backoffMs * 2));
        pauseMs = backoffMs;
      }
      await pause(pauseMs, signal);
    }
  }

  return {
    name,
    lastFinishedAt: () => lastFinishedAt,
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

const idlePause = (idleMs: number | (() => number)) => (typeof idleMs === "number" ? idleMs : idleMs());

/** Without a pause the process still gets its turn: a body that never waits must not keep signals and requests out. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) await nextTurn();
  else await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Logs a row of failures: the first, each other one, the same one now and then, and the end. */
class FailureLog {
  private count = 0;
  private last = { message: "", atMs: 0 };

  constructor(
    private readonly loop: string,
    private readonly log: Logger,
  ) {}

  add(error: unknown): void {
    this.count++;
    const message = String(error);
    const now = performance.now();
    if (this.count > 1 && message === this.last.message && now - this.last.atMs < REPEATED_ERROR_MS) return;
    this.last = { message, atMs: now };
    this.log.error({ err: error, loop: this.loop, failures: this.count }, "failed; trying again");
  }

  end(): void {
    if (this.count > 0) this.log.info({ loop: this.loop, failures: this.count }, "works again");
    this.count = 0;
  }
}
