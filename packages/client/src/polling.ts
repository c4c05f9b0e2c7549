/**
 * Asking again and again, for when sockets cannot connect: every second while somebody is there, every five when not. One
 * question at a time, so a slow server is asked less often.
 */
import type { Activity } from "./activity.js";
import type { Clock } from "./clock.js";

export interface PollingDeps {
  clock: Clock;
  activity: Activity;
  activeMs: number;
  inactiveMs: number;
  /** Told whether it was answered. */
  poll: () => Promise<boolean>;
  onPolled: (answered: boolean) => void;
}

export class Polling {
  readonly #deps: PollingDeps;
  #cancel: (() => void) | null = null;
  #stopReturns: (() => void) | null = null;
  #running = false;
  #underWay = false;

  constructor(deps: PollingDeps) {
    this.#deps = deps;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Twice is fine. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#stopReturns = this.#deps.activity.onReturn(() => void this.#poll());
    void this.#poll();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#stopReturns?.();
    this.#cancel = null;
  }

  async #poll(): Promise<void> {
    if (this.#underWay) return;
    this.#cancel?.();
    this.#underWay = true;
    const answered = await this.#deps.poll().finally(() => {
      this.#underWay = false;
    });
    if (!this.#running) return;
    this.#deps.onPolled(answered);
    const { clock, activity, activeMs, inactiveMs } = this.#deps;
    this.#cancel = clock.after(activity.isActive() ? activeMs : inactiveMs, () => void this.#poll());
  }
}
