/**
 * How a client hears of changes: over a socket while there is one, else by asking.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> idle
 *   idle --> connecting: something is watched
 *   connecting --> live
 *   live --> connecting: the socket is lost
 *   connecting --> polling: no socket for 2 s
 *   polling --> live
 *   polling --> offline: the server does not answer either
 *   offline --> polling
 * ```
 */
import type { Activity } from "./activity.js";
import { isOnline, onOnline } from "./network.js";
import { Polling } from "./polling.js";
import { Realtime, type RealtimeDeps } from "./realtime.js";
import type { Store } from "./store.js";

/** `polling`: up to date within seconds. `offline`: nothing is heard. */
export type ConnectionState = "idle" | "connecting" | "live" | "polling" | "offline";

const POLL_AFTER_MS = 2_000;
/** What a page renders within one moment is asked for in one call. */
const GATHER_MS = 0;

export interface ConnectionDeps extends Omit<RealtimeDeps, "onConnected" | "random"> {
  activity: Activity;
  activeMs: number;
  inactiveMs: number;
  state: Store<ConnectionState>;
  poll: () => Promise<boolean>;
  /** Told when messages may have been missed. */
  onLost: () => void;
}

export class Connection {
  readonly #deps: ConnectionDeps;
  readonly #realtime: Realtime;
  readonly #polling: Polling;
  #cancelPolling: (() => void) | null = null;
  #stopOnline: (() => void) | null = null;
  #gathering = false;
  #closed = false;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#realtime = new Realtime({
      ...deps,
      random: Math.random,
      onConnected: (connected) => this.#connected(connected),
    });
    this.#polling = new Polling({ ...deps, onPolled: (answered) => this.#polled(answered) });
  }

  wantedChanged(): void {
    if (this.#gathering || this.#closed) return;
    this.#gathering = true;
    this.#deps.clock.after(GATHER_MS, () => {
      this.#gathering = false;
      this.#start();
    });
  }

  reconnect(): void {
    this.#realtime.reconnect();
  }

  close(): void {
    this.#closed = true;
    this.#realtime.stop();
    this.#polling.stop();
    this.#cancelPolling?.();
    this.#stopOnline?.();
    this.#deps.state.set("idle");
  }

  #start(): void {
    if (this.#closed) return;
    if (this.#deps.state.get() === "idle") {
      if (this.#deps.wanted.isEmpty) return;
      this.#deps.state.set("connecting");
      this.#pollSoon();
      this.#realtime.start();
      // A socket of before the network was lost may be dead for most of a minute without anybody noticing.
      this.#stopOnline = onOnline(() => this.reconnect());
    }
    this.#realtime.catchUp();
  }

  #connected(connected: boolean): void {
    if (this.#closed) return;
    if (connected) {
      this.#cancelPolling?.();
      this.#cancelPolling = null;
      this.#polling.stop();
      this.#deps.state.set("live");
    } else if (this.#deps.state.get() === "live") {
      this.#deps.state.set("connecting");
      this.#deps.onLost();
      this.#pollSoon();
    }
  }

  #pollSoon(): void {
    this.#cancelPolling ??= this.#deps.clock.after(POLL_AFTER_MS, () => {
      this.#cancelPolling = null;
      this.#polling.start();
    });
  }

  #polled(answered: boolean): void {
    this.#deps.state.set(answered && isOnline() ? "polling" : "offline");
  }
}
