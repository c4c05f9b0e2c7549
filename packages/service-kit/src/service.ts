/**
 * The one contract of everything that lives long: it starts, it stops; stopping twice is safe, stopping what never
 * started is safe, and a failed start undoes what it began (`@votesync/service-kit/contract` tests it). A process is a
 * list of services: started in order, stopped in reverse.
 */
import type { Logger } from "./logger.js";

export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when it finds that the process cannot go on: the process then stops, and exits with 1. */
  readonly fatal?: Promise<Error>;
}

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
 * @returns what stops them all, in reverse; calling it twice is one stop
 */
export async function startAll(services: readonly Service[], log: Logger): Promise<{ stop(): Promise<void> }> {
  const group = new ServiceGroup(services, log);
  try {
    await group.start();
  } catch (error) {
    await group.stop();
    throw error;
  }
  return group;
}

/** Services that live and end together. Runs once: it does not start again after a stop. */
export class ServiceGroup {
  private readonly started: Service[] = [];
  private starting: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | undefined;
  private step: string | null = null;

  constructor(
    private readonly services: readonly Service[],
    private readonly log: Logger,
  ) {}

  /** What it is doing right now ("stopping http"), for the log line that says what hangs. */
  get currentStep(): string | null {
    return this.step;
  }

  /** @throws what the first failing start threw; what was started before it waits for `stop` */
  start(): Promise<void> {
    this.starting = this.startInOrder();
    return this.starting;
  }

  /** Never fails: one service that cannot stop does not keep the others from it. */
  stop(): Promise<void> {
    this.stopping ??= this.stopInReverse();
    return this.stopping;
  }

  private async startInOrder(): Promise<void> {
    for (const service of this.services) {
      if (this.stopping !== undefined) return;
      this.step = `starting ${service.name}`;
      await service.start();
      this.started.push(service);
    }
    this.step = null;
  }

  private async stopInReverse(): Promise<void> {
    // A start under way is waited for: what it opened can only be closed after it.
    await this.starting.catch(() => undefined);
    for (const service of this.started.reverse()) {
      this.step = `stopping ${service.name}`;
      try {
        await service.stop();
      } catch (error) {
        this.log.error({ err: error, stopping: service.name }, "could not stop");
      }
    }
    this.step = null;
  }
}
