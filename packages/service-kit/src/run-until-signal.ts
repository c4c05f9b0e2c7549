/**
 * A process's life: start everything, run until SIGTERM or SIGINT, stop everything, exit. Whatever hangs, the process
 * ends: each way out has a deadline, and the log names what held it.
 */
import { DeadlineExceededError, withDeadline } from "./deadline.js";
import type { Logger } from "./logger.js";
import { type Service, ServiceGroup } from "./service.js";

/** Supervisors commonly kill after ten seconds; this leaves one for the exit itself. */
const STOP_TIMEOUT_MS = 9_000;

/**
 * Exits 0 after a signal and a clean stop; 1 when a start failed, a service found that the process cannot go on, a stop took
 * longer than `stopTimeoutMs`, a second signal came, or a bug surfaced where nobody could catch it.
 */
export async function runUntilSignal(o: {
  services: readonly Service[];
  log: Logger;
  stopTimeoutMs?: number;
}): Promise<void> {
  exitOnUncaught(o.log);
  const group = new ServiceGroup(o.services, o.log);
  const ranWell = await runGroup(group, firstFatal(o.services), o.log);
  const stoppedWell = await stopInTime(group, o.log, o.stopTimeoutMs ?? STOP_TIMEOUT_MS);
  process.exit(ranWell && stoppedWell ? 0 : 1);
}

/** @returns at the signal, even one that comes during the start; `false` when the start failed, or it could not go on */
async function runGroup(group: ServiceGroup, fatal: Promise<Error>, log: Logger): Promise<boolean> {
  const signalled = firstSignal(log);
  try {
    const early = await Promise.race([group.start(), signalled, fatal]);
    if (early === undefined) log.info("started");
    const end = await Promise.race([signalled, fatal]);
    if (end instanceof Error) throw end;
    log.info({ signal: end }, "stopping");
    return true;
  } catch (error) {
    const during = group.currentStep;
    log.fatal({ err: error, during }, during === null ? "cannot go on" : "cannot start");
    return false;
  }
}

function firstFatal(services: readonly Service[]): Promise<Error> {
  return Promise.race(services.flatMap(({ fatal }) => (fatal === undefined ? [] : [fatal])));
}

async function stopInTime(group: ServiceGroup, log: Logger, timeoutMs: number): Promise<boolean> {
  try {
    await withDeadline(group.stop(), timeoutMs, "stopping");
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    log.fatal({ hanging: group.currentStep, timeoutMs }, "not stopped in time");
    return false;
  }
  log.info("stopped");
  return true;
}

/** The state after a bug is unknown; whoever supervises the process starts a fresh one. */
function exitOnUncaught(log: Logger): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, event);
      process.exit(1);
    });
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
