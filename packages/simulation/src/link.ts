/**
 * One replica's link to one store. The store is real and shared; what fails is the link of one, at a call that the seed picks.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> Ok
 *   Ok --> Armed: a fault is to come with a later call
 *   Armed --> Ok: the fault came
 *   Armed --> Cut: the fault is "cut"
 *   Ok --> Cut
 *   Cut --> Ok: healed
 * ```
 */
import { EventEmitter } from "node:events";
import { DeadlineExceededError } from "@votesync/service-kit";
import type { Operations } from "./operations.js";

/**
 * `cut`: calls fail at once. `lose reply`: the call is done, and its caller is told that it took too long. `send twice`: done
 * twice, as after a reconnect. `hold request`, `hold reply`: waits, before or after it is done, until a later step.
 */
export const FAULTS = ["cut", "lose reply", "send twice", "hold request", "hold reply"] as const;
export type Fault = (typeof FAULTS)[number];

export class LinkCutError extends Error {
  override readonly name = "LinkCutError";
  constructor(link: string) {
    super(`${link}: the connection is lost`);
  }
}

/** A caller is told after so long; here it need not wait. */
const DEADLINE_MS = 400;

export class Link {
  /** `close`, as a connection tells it, and `ready`, which a connection that is made anew tells. */
  readonly events = new EventEmitter().setMaxListeners(0);
  isCut = false;
  private isDead = false;
  private armed: { fault: Fault; after: number } | null = null;

  constructor(
    readonly name: string,
    private readonly operations: Operations,
  ) {}

  /** @param after so many calls go well before */
  arm(fault: Fault, after: number): void {
    this.armed = { fault, after };
    if (fault === "cut" && after === 0) this.cut();
  }

  cut(): void {
    this.armed = null;
    this.isCut = true;
    this.drop();
  }

  /** Whoever waits for a reply learns that the connection is gone; the next call finds a new one. */
  drop(): void {
    this.operations.failHolds(this, new LinkCutError(this.name));
    this.events.emit("close");
  }

  heal(): void {
    this.armed = null;
    this.isCut = this.isDead;
  }

  /** Its process is gone. */
  kill(): void {
    this.isDead = true;
    this.events.removeAllListeners();
    this.cut();
  }

  get isOfTheDead(): boolean {
    return this.isDead;
  }

  async call<T>(execute: () => Promise<T>): Promise<T> {
    const fault = this.nextFault();
    if (fault === "cut") this.cut();
    if (fault === "hold request") await this.operations.hold(this);
    if (this.isCut) throw new LinkCutError(this.name);
    if (fault === "send twice") await this.operations.count(execute).catch(() => undefined);
    const result = await this.operations.count(execute);
    if (fault === "lose reply") throw new DeadlineExceededError(this.name, DEADLINE_MS);
    if (fault === "hold reply") await this.operations.hold(this);
    return result;
  }

  private nextFault(): Fault | null {
    if (this.armed === null || this.armed.after-- > 0) return null;
    const { fault } = this.armed;
    this.armed = null;
    return fault;
  }
}
