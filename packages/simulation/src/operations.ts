/**
 * Work that overlaps, without a clock: an operation runs until it ends, or until it waits at a link that holds one of its
 * calls. Then the next step may run. So a seed alone decides what overlaps with what.
 *
 * Where one operation is held, another may wait for it: for a row that is locked in PostgreSQL, or for a promise they share.
 * Nothing moves any more then, and that is how it is noticed.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Turns of the event loop without any call under way after which whoever is not done waits for something held. */
const QUIET_TURNS = 4;
/** An operation that neither ends nor waits for something held by then never will. */
const STUCK_MS = 20_000;

export class StuckError extends Error {
  override readonly name = "StuckError";
  constructor(what: string) {
    super(`"${what}" does not end`);
  }
}

interface Operation {
  name: string;
  isDone: boolean;
  done: Promise<void>;
}

interface Hold {
  owner: object;
  resume: () => void;
  fail: (error: Error) => void;
}

export class Operations {
  private readonly background = new Set<Operation>();
  private readonly holds = new Set<Hold>();
  private inFlight = 0;
  /** Somebody is done, or held. */
  private wake: () => void = () => undefined;

  /** @param countBlocked how many calls wait for a lock in PostgreSQL now */
  constructor(private readonly countBlocked: () => Promise<number>) {}

  get isAnyHeld(): boolean {
    return this.holds.size > 0;
  }

  /** Runs `work` as far as it comes; it may go on in later steps. @throws what `work` throws */
  async run(name: string, work: () => Promise<unknown>): Promise<void> {
    const operation: Operation = { name, isDone: false, done: Promise.resolve() };
    const end = () => {
      operation.isDone = true;
      this.wake();
    };
    operation.done = work().then(end, (error: unknown) => {
      end();
      throw error;
    });
    // Thrown where it is awaited, which may be a later step.
    operation.done.catch(() => undefined);
    this.background.add(operation);
    await this.untilStill(operation);
  }

  /** A call to a store. */
  async count<T>(execute: () => Promise<T>): Promise<T> {
    this.inFlight++;
    try {
      return await execute();
    } finally {
      this.inFlight--;
    }
  }

  /** Waits until it is released. @param owner what `failHolds` names */
  hold(owner: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const hold = { owner, resume: resolve, fail: reject };
      this.holds.add(hold);
      this.wake();
    });
  }

  /** Calls that are held for this owner fail. */
  failHolds(owner: object, error: Error): void {
    for (const hold of this.holds) {
      if (hold.owner !== owner) continue;
      this.holds.delete(hold);
      hold.fail(error);
    }
  }

  /** Lets go of everything that is held; it may be held again. */
  async release(): Promise<void> {
    const holds = [...this.holds];
    this.holds.clear();
    for (const hold of holds) hold.resume();
    await this.settle();
  }

  /** Goes on with whatever can. */
  async settle(): Promise<void> {
    for (const operation of [...this.background]) await this.untilStill(operation);
  }

  /** Everything ends, however often it is held: also what its caller has given up, and nobody waits for any more. */
  async end(): Promise<void> {
    do {
      await this.release();
      for (let quietTurns = 0; quietTurns < QUIET_TURNS; quietTurns++) {
        await nextTurn();
        if (this.inFlight > 0) quietTurns = 0;
      }
    } while (this.background.size > 0 || this.holds.size > 0);
  }

  private async untilStill(operation: Operation): Promise<void> {
    let isStuck = false;
    const timer = setTimeout(() => {
      isStuck = true;
      this.wake();
    }, STUCK_MS);
    for (let quietTurns = 0; !operation.isDone && quietTurns < QUIET_TURNS; ) {
      if (isStuck) throw new StuckError(operation.name);
      if (this.holds.size === 0) {
        await this.news();
      } else {
        await nextTurn();
        quietTurns = (await this.isStill()) ? quietTurns + 1 : 0;
      }
    }
    clearTimeout(timer);
    if (!operation.isDone) return;
    this.background.delete(operation);
    await operation.done;
  }

  private news(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** No call is under way but those that wait for a lock. */
  private async isStill(): Promise<boolean> {
    return this.inFlight === 0 || (await this.countBlocked()) >= this.inFlight;
  }
}
