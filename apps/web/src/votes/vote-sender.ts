/**
 * From clicks to requests. At most one request per project is under way; clicks made meanwhile change the wish, and the
 * last wish is sent afterwards. A request without a clear answer is repeated under the same idempotency key, so a vote
 * that was counted before its answer got lost is not counted again.
 */
import { RequestError } from "../http/request.js";
import { type ProjectVotes, type Vote, type VoteAnswer, withAnswer, withClick, withoutWish } from "./project-votes.js";

/** Pauses before the second and the third attempt. */
const RETRY_PAUSES_MS = [400, 1_500];
/** A longer wish of the server to be left alone is told to the user instead of waited for. */
const LONGEST_PAUSE_MS = 3_000;

export interface VoteSenderDeps {
  read(projectId: string): ProjectVotes | undefined;
  write(projectId: string, votes: ProjectVotes): void;
  cast(projectId: string, vote: Vote | null, idempotencyKey: string): Promise<VoteAnswer>;
  /** Told when a wish was given up and its display taken back. */
  onFailed(projectId: string, error: RequestError): void;
  newKey(): string;
  pause(ms: number): Promise<void>;
}

export class VoteSender {
  readonly #deps: VoteSenderDeps;
  readonly #underWay = new Set<string>();

  constructor(deps: VoteSenderDeps) {
    this.#deps = deps;
  }

  async click(projectId: string, button: Vote): Promise<void> {
    const votes = this.#deps.read(projectId);
    if (votes === undefined) return;
    this.#deps.write(projectId, withClick(votes, button));
    if (this.#underWay.has(projectId)) return;
    this.#underWay.add(projectId);
    try {
      while (await this.#sendWish(projectId));
    } finally {
      this.#underWay.delete(projectId);
    }
  }

  /** @returns whether there was a wish, so that there may be another one now */
  async #sendWish(projectId: string): Promise<boolean> {
    const { read, write } = this.#deps;
    const sent = read(projectId)?.wish ?? null;
    if (sent === null) return false;
    try {
      const answer = await this.#castWithRetries(projectId, sent.vote);
      const votes = read(projectId);
      if (votes !== undefined) write(projectId, withAnswer(votes, sent, answer));
    } catch (error) {
      const votes = read(projectId);
      if (votes !== undefined) write(projectId, withoutWish(votes));
      if (!(error instanceof RequestError)) throw error;
      this.#deps.onFailed(projectId, error);
    }
    return true;
  }

  async #castWithRetries(projectId: string, vote: Vote | null): Promise<VoteAnswer> {
    const key = this.#deps.newKey();
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await this.#deps.cast(projectId, vote, key);
      } catch (error) {
        const wantedMs = retryPauseMs(error, pauseMs);
        if (wantedMs === null) throw error;
        await this.#deps.pause(wantedMs);
      }
    }
    return this.#deps.cast(projectId, vote, key);
  }
}

/** @returns `null` where a repetition would not help, or not soon */
function retryPauseMs(error: unknown, atLeastMs: number): number | null {
  if (!(error instanceof RequestError)) return null;
  if (error.status !== null && error.status < 500) return null;
  const pauseMs = Math.max(atLeastMs, (error.retryAfterS ?? 0) * 1_000);
  return pauseMs <= LONGEST_PAUSE_MS ? pauseMs : null;
}
