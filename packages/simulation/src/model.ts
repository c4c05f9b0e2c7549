/**
 * What users were told, and whether the stores stand by it. This is all that the judge knows of votes: who wished what when,
 * and which of it a disaster may lawfully have taken.
 */
import type { VoteType } from "@votesync/core";

export interface Wish {
  user: string;
  project: string;
  vote: VoteType;
  key: string | undefined;
  /** Moments in one order over all replicas. `end` is Infinity while it is under way. */
  start: number;
  end: number;
  /** Its user was told that it counts. */
  isAnswered: boolean;
  /** It was refused, and must not count. */
  isRefused: boolean;
  /** Its user was told that PostgreSQL has it. */
  isCommitted: boolean;
  /** It changed nothing, where it was taken. */
  isUnchanged: boolean;
  /** Of its answer. */
  version: number;
  /** A store that lost data was the only one that had it. */
  mayBeLost: boolean;
  /** What it was sent as: an idempotency key's second request is another one. */
  requestIds: ReadonlySet<string>;
}

/** The gravest first: a history is shrunk as long as it breaks the gravest check that it broke at first. */
export const CHECKS = ["stuck", "order", "quiet", "counters", "held", "once", "committed", "points"] as const;
export type Check = (typeof CHECKS)[number];

/** A history breaks off, or ends, with what was found to be wrong. */
export interface Violation {
  check: Check;
  what: string;
}

export class Model {
  readonly wishes: Wish[] = [];
  readonly violations: Violation[] = [];
  postgresWentBack = false;
  private now = 0;

  begin(wish: Pick<Wish, "user" | "project" | "vote" | "key" | "requestIds">): Wish {
    const flags = {
      isAnswered: false,
      isRefused: false,
      isCommitted: false,
      isUnchanged: false,
      mayBeLost: false,
      version: 0,
    };
    const begun = { ...wish, ...flags, start: ++this.now, end: Number.POSITIVE_INFINITY };
    this.wishes.push(begun);
    return begun;
  }

  end(wish: Wish): void {
    wish.end = ++this.now;
  }

  /** The answer to a key's first request was given again: that wish is the one that was answered, at the latest now. */
  replayed(wish: Wish, requestId: string): Wish {
    this.end(wish);
    const first = this.wishes.find((other) => other !== wish && other.requestIds.has(requestId));
    if (first === undefined) return this.report("once", `a replay of ${requestId}, which nobody has sent`, wish);
    wish.isRefused = true;
    // Nobody knows when it took effect, if nobody was told before.
    if (!first.isAnswered) first.end = this.now;
    first.isAnswered = true;
    return first;
  }

  /**
   * Two clicks under one key of which each store took one: both are answered, and one acts. The other one was no wish of its own.
   * @param isWritten whether PostgreSQL has an event of it
   */
  settleKeys(isWritten: (wish: Wish) => boolean): void {
    for (const wish of this.wishes) {
      if (wish.key === undefined || isWritten(wish)) continue;
      const hasActed = (other: Wish) =>
        other.user === wish.user && other.project === wish.project && other.key === wish.key && isWritten(other);
      if (this.wishes.some(hasActed)) wish.isRefused = true;
    }
  }

  /** A store has lost data. @param isKept whether anything is left of a wish */
  lose(isKept: (wish: Wish) => boolean): void {
    for (const wish of this.wishes) if (!isKept(wish)) wish.mayBeLost = true;
  }

  /** The rule of order: a wish stands unless one that began after its end was answered, and cannot have been lost. */
  mayStand(user: string, project: string, standing: VoteType): boolean {
    const own = this.wishes.filter((wish) => wish.user === user && wish.project === project && !wish.isRefused);
    const firm = own.filter((wish) => wish.isAnswered && !wish.mayBeLost);
    const candidates = own.filter((wish) => !firm.some((later) => wish.end < later.start));
    if (firm.length === 0 && standing === "none") return true;
    return candidates.some((wish) => wish.vote === standing);
  }

  report<T>(check: Violation["check"], what: string, result: T): T {
    this.violations.push({ check, what });
    return result;
  }
}
