/**
 * The supervisor of one process: whatever kills it, it is back within two seconds.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> starting: start()
 *   starting --> running: launched
 *   starting --> [*]: the first launch failed, start() throws
 *   running --> waiting: it ended
 *   waiting --> relaunching: 100 ms, doubling to 0.8 s while it keeps ending young
 *   relaunching --> running: launched
 *   relaunching --> waiting: failed (port still in use, slow recovery)
 *   running --> [*]: stop()
 *   waiting --> [*]: stop()
 * ```
 *
 * After a first success it never gives up. Why not a library: concurrently restarts and prefixes, but ends everything
 * at once (services and databases), in its own process group, and its newest version wants Node 22; pm2 is AGPL and
 * leaves a daemon behind; none binds its children to its own life.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "./log.js";

const FIRST_DELAY_MS = 100;
/** With the start of a service (0.7 s measured) still within the two seconds. */
const MAX_DELAY_MS = 800;
/** Who lived this long did not fail to start. */
const GROWN_UP_MS = 3_000;

/** What can be kept alive. */
export interface Mortal {
  readonly pid: number;
  /** Resolves, with how, once it is gone. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export class KeptAlive {
  private current: Mortal | null = null;
  private keeping: Promise<void> = Promise.resolve();
  private youngEnds = 0;
  private readonly stopped = new AbortController();

  constructor(
    readonly name: string,
    private readonly launch: (signal: AbortSignal) => Promise<Mortal>,
    private readonly log: Log,
  ) {}

  /** How often in a row it ended or could not be launched soon after its start. */
  get failuresInARow(): number {
    return this.youngEnds;
  }

  async start(): Promise<void> {
    const first = await this.launchUnlessStopped();
    this.keeping = this.keep(first);
  }

  /** Safe at any moment and more than once. */
  async stop(): Promise<void> {
    this.stopped.abort(new Error(`${this.name} is being stopped`));
    await this.current?.stop();
    await this.keeping;
  }

  private async keep(first: Mortal): Promise<void> {
    let running: Mortal | null = first;
    while (!this.stopped.signal.aborted) {
      const startedAt = Date.now();
      if (running !== null) await this.untilEnded(running);
      if (this.stopped.signal.aborted) return;
      this.youngEnds = Date.now() - startedAt > GROWN_UP_MS ? 1 : this.youngEnds + 1;
      await this.pause();
      running = await this.relaunch();
    }
  }

  private async untilEnded(running: Mortal): Promise<void> {
    const how = await running.exited;
    if (!this.stopped.signal.aborted) this.log.warn({ pid: running.pid }, `${this.name} ended (${how}), restarting it`);
  }

  private async pause(): Promise<void> {
    const ms = Math.min(FIRST_DELAY_MS * 2 ** (this.youngEnds - 1), MAX_DELAY_MS);
    await delay(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }

  private async relaunch(): Promise<Mortal | null> {
    try {
      const next = await this.launchUnlessStopped();
      this.log.info({ pid: next.pid }, `${this.name} is back`);
      return next;
    } catch (error) {
      if (!this.stopped.signal.aborted) {
        this.log.warn({}, `${this.name} does not start, trying again: ${(error as Error).message}`);
      }
      return null;
    }
  }

  /** A process that appears while we are being stopped is stopped too. */
  private async launchUnlessStopped(): Promise<Mortal> {
    this.stopped.signal.throwIfAborted();
    const next = await this.launch(this.stopped.signal);
    this.current = next;
    if (this.stopped.signal.aborted) await next.stop();
    this.stopped.signal.throwIfAborted();
    return next;
  }
}
