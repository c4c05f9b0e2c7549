/**
 * The one contract of everything that lives long: it starts, it stops; stopping twice is safe, and a failed start
 * undoes what it began. A process is a list of services: started in order, stopped in reverse.
 */

import { withDeadline } from "./deadline.js";
import type { Logger } from "./logger.js";

export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Supervisors commonly kill after ten seconds; this leaves one for the exit itself. */
const STOP_TIMEOUT_MS = 9_000;

/** Something opened elsewhere that only has to be closed, as part of a process. */
export function closing(name: string, close: () => Promise<unknown>): Service {
  return {
    name,
    start: async () => undefined,
    stop: async () => {
      await close();
    },
  };
}

/**
 * Starts in order. When one fails, those already started are stopped again, and its error is thrown.
 * @returns what stops them all; calling it twice is one stop
 */
export async function startAll(services: readonly Service[], log: Logger): Promise<{ stop(): Promise<void> }> {
  const started: Service[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopInReverse(started, log);
    return stopping;
  };
  for (const service of services) {
    try {
      await service.start();
    } catch (error) {
      await stop();
      throw error;
    }
    started.push(service);
  }
  return { stop };
}

async function stopInReverse(started: readonly Service[], log: Logger): Promise<void> {
  for (const service of [...started].reverse()) {
    try {
      await service.stop();
    } catch (error) {
      log.error({ err: error, stopping: service.name }, "could not stop");
    }
  }
}

/**
 * A process's life: start everything, run until SIGTERM or SIGINT, stop everything, exit 0. A second signal exits at
 * once; a stop that takes too long exits 1.
 */
export async function runUntilSignal(o: {
  services: readonly Service[];
  log: Logger;
  stopTimeoutMs?: number;
}): Promise<void> {
  const { log, services } = o;
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, event);
      process.exit(1);
    });
  }
  const signalled = firstSignal(log);
  try {
    const running = await startAll(services, log);
    log.info("started");
    log.info({ signal: await signalled }, "stopping");
    await withDeadline(running.stop(), o.stopTimeoutMs ?? STOP_TIMEOUT_MS, "stopping");
    log.info("stopped");
    process.exit(0);
  } catch (error) {
    log.fatal({ err: error }, "cannot go on");
    process.exit(1);
  }
}

function firstSignal(log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      if (++signals > 1) {
        log.warn({ signal }, "second signal: exiting at once");
        process.exit(1);
      }
      resolve(signal);
    };
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  });
}
