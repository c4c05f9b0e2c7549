/**
 * From clicks to requests. Clicks are gathered (`debounceMs`) and votes on one project kept apart (`minIntervalMs`); at most
 * one request per project is under way, and the last wish is sent afterwards. A request without a clear answer is repeated
 * under the same idempotency key, so a vote that was counted before its answer got lost is not counted again. Offline it waits
 * until the device has a network again.
 */
import type { Clock } from "./clock.js";
import { type ProjectVotes, type Vote, type VoteAnswer, withAnswer, withoutWish, withWish } from "./project-votes.js";
import { RequestError } from "./request.js";

/** Pauses before the second try and those after it. */
const RETRY_PAUSES_MS = [400, 1_500, 4_000];
/** A longer wish of the server to be left alone is told to the user instead of waited for. */
const LONGEST_PAUSE_MS = 11_000;
/** Without a network a vote is kept so long; then its display is taken back. */
const OFFLINE_MS = 120_000;

export interface VoteSenderDeps {
  read(projectId: string): ProjectVotes | undefined;
  write(projectId: string, votes: ProjectVotes): void;
  cast(projectId: string, vote: Vote | null, idempotencyKey: string): Promise<VoteAnswer>;
  /** Told when a wish was given up and its display taken back. */
  onFailed(projectId: string, error: RequestError): void;
  /** Told when the outcome of a forgotten wish is there: it may have counted for whoever is there now. */
  onForgotten(projectId: string): void;
  newKey(): string;
  isOnline(): boolean;
  /** Resolves when the device has a network again, or when that takes too long. */
  online(deadlineMs: number): Promise<void>;
  clock: Clock;
  debounceMs: number;
  minIntervalMs: number;
}

interface Sending {
  /** Calls off the request that is to come; `null` when none is. */
  cancel: (() => void) | null;
  underWay: boolean;
  sentAtMs: number;
}

export class VoteSender {
  readonly #deps: VoteSenderDeps;
  readonly #sending = new Map<string, Sending>();
  #closed = false;

  constructor(deps: VoteSenderDeps) {
    this.#deps = deps;
  }

  /** The user wants this vote, `null`: none. Of a project that is known. */
  wish(projectId: string, vote: Vote | null): void {
    const votes = this.#deps.read(projectId);
    if (votes === undefined || this.#closed) return;
    this.#deps.write(projectId, withWish(votes, vote));
    const sending = this.#of(projectId);
    if (sending.underWay) return;
    sending.cancel?.();
    sending.cancel = this.#deps.clock.after(this.#pauseMs(sending), () => void this.#send(projectId, sending));
  }

  /** What waits for quiet is sent at once: the page may be gone in a moment. */
  flush(): void {
    for (const [projectId, sending] of this.#sending) {
      if (sending.cancel === null) continue;
      sending.cancel();
      void this.#send(projectId, sending);
    }
  }

  /** Takes no more wishes; those it has are sent. */
  close(): void {
    this.#closed = true;
    this.flush();
  }

  /** Somebody else is there: nothing more is done about these wishes, and no answer to them is heard. */
  forget(): void {
    for (const { cancel } of this.#sending.values()) cancel?.();
    this.#sending.clear();
  }

  #of(projectId: string): Sending {
    const sending = this.#sending.get(projectId) ?? {
      cancel: null,
      underWay: false,
      sentAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#sending.set(projectId, sending);
    return sending;
  }

  #pauseMs({ sentAtMs }: Sending): number {
    const { clock, debounceMs, minIntervalMs } = this.#deps;
    return Math.max(debounceMs, sentAtMs + minIntervalMs - clock.nowMs());
  }

  async #send(projectId: string, sending: Sending): Promise<void> {
    sending.cancel = null;
    const { read, write, clock } = this.#deps;
    const votes = read(projectId);
    const wish = votes?.wish ?? null;
    if (votes === undefined || wish === null) return;
    // Clicked back to where it was before anything was sent.
    if (votes.ownVoteKnown && wish.vote === votes.ownVote) return write(projectId, withoutWish(votes));
    sending.underWay = true;
    sending.sentAtMs = clock.nowMs();
    const isCurrent = () => this.#sending.get(projectId) === sending;
    try {
      const answer = await this.#castWithRetries(projectId, wish.vote, isCurrent);
      const now = read(projectId);
      if (now !== undefined && isCurrent()) write(projectId, withAnswer(now, wish, answer));
    } catch (error) {
      if (isCurrent()) this.#giveUp(projectId, error);
    } finally {
      sending.underWay = false;
      if (!isCurrent()) this.#deps.onForgotten(projectId);
    }
    // What was wished meanwhile.
    if (isCurrent() && (read(projectId)?.wish ?? null) !== null) {
      const pauseMs = this.#closed ? 0 : this.#pauseMs(sending);
      sending.cancel = clock.after(pauseMs, () => void this.#send(projectId, sending));
    }
  }

  #giveUp(projectId: string, error: unknown): void {
    const votes = this.#deps.read(projectId);
    if (votes !== undefined) this.#deps.write(projectId, withoutWish(votes));
    const told =
      error instanceof RequestError ? error : new RequestError(null, { title: "Not sent" }, { cause: error });
    this.#deps.onFailed(projectId, told);
  }

  async #castWithRetries(projectId: string, vote: Vote | null, isCurrent: () => boolean): Promise<VoteAnswer> {
    const { cast, newKey, isOnline, online } = this.#deps;
    const key = newKey();
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await cast(projectId, vote, key);
      } catch (error) {
        const wantedMs = retryPauseMs(error, pauseMs);
        if (wantedMs === null) throw error;
        if (isOnline()) await this.#pause(wantedMs);
        else await online(OFFLINE_MS);
        if (!isCurrent()) throw error;
      }
    }
    return cast(projectId, vote, key);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#deps.clock.after(ms, resolve));
  }
}

/** @returns `null` where a repetition would not help, or not soon */
function retryPauseMs(error: unknown, atLeastMs: number): number | null {
  if (!(error instanceof RequestError)) return null;
  const mayHelp = error.status === null || error.status >= 500 || error.status === 429;
  if (!mayHelp) return null;
  const pauseMs = Math.max(atLeastMs, (error.retryAfterS ?? 0) * 1_000);
  return pauseMs <= LONGEST_PAUSE_MS ? pauseMs : null;
}
