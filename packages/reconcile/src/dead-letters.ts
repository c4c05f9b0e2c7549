/**
 * What an operator does with dead letters, the same over HTTP and on the command line: list, show, replay, drop.
 *
 * A replay casts the vote's wish anew, as its user would, unless that user has voted since. It may be killed anywhere and
 * given again, also twice at once: the cast carries an Idempotency-Key of the letter, so it happens once, and the letter
 * is resolved last.
 */
import { isWish, type VoteEvent } from "@votesync/core";
import {
  type DeadLetter,
  type DeadLetterCursor,
  type DeadLetterKey,
  findDeadLetter,
  listDeadLetters,
  projectExists,
  type Resolution,
  readVote,
  resolveLetter,
} from "@votesync/postgres-store";
import { readHeldVote, readRememberedAnswer } from "@votesync/redis-store";
import type { CastResult, VoteToCast } from "./cast-again.js";
import { withdrawDeadVote } from "./dead-vote.js";
import type { Stores } from "./stores.js";

const REFUSALS = {
  "not-found": "There is no such dead letter.",
  resolved: "This dead letter is resolved already.",
  "not-a-vote": "This dead letter holds no vote that could be cast: look at its fields, and drop it.",
  "no-project": "The vote's project does not exist. Make the project first, then replay.",
} as const;

/** What was asked for cannot be done; the letter is as it was. */
export class DeadLetterRefusedError extends Error {
  override readonly name = "DeadLetterRefusedError";
  constructor(readonly reason: keyof typeof REFUSALS) {
    super(REFUSALS[reason]);
  }
}

export interface DeadLetterPage {
  letters: DeadLetter[];
  next: DeadLetterCursor | null;
}

export class DeadLetters {
  /** @param cast without a limit: the vote was answered before */
  constructor(
    private readonly stores: Stores,
    private readonly cast: (vote: VoteToCast) => Promise<CastResult>,
  ) {}

  /** Newest first; unresolved ones, or all. */
  async list(o: { limit: number; all: boolean; after?: DeadLetterCursor | undefined }): Promise<DeadLetterPage> {
    const found = await listDeadLetters(this.stores.pool, { ...o, limit: o.limit + 1 });
    const letters = found.slice(0, o.limit);
    return { letters, next: found.length > o.limit ? (letters.at(-1) ?? null) : null };
  }

  /** @throws {DeadLetterRefusedError} */
  async find(key: DeadLetterKey): Promise<DeadLetter> {
    const letter = await findDeadLetter(this.stores.pool, key);
    if (letter === null) throw new DeadLetterRefusedError("not-found");
    return letter;
  }

  /** Nothing will be done about it; its row is kept. @throws {DeadLetterRefusedError} when it was replayed */
  async drop(key: DeadLetterKey): Promise<DeadLetter> {
    await resolveLetter(this.stores.pool, key, { resolution: "dropped" });
    const letter = await this.find(key);
    if (letter.resolution !== "dropped") throw new DeadLetterRefusedError("resolved");
    return letter;
  }

  /** @throws {DeadLetterRefusedError} */
  async replay(key: DeadLetterKey): Promise<DeadLetter> {
    const letter = await this.find(key);
    if (letter.resolution !== null) throw new DeadLetterRefusedError("resolved");
    const { event } = letter;
    if (event === null || !isWish(event)) throw new DeadLetterRefusedError("not-a-vote");
    if (!(await projectExists(this.stores.pool, event.projectId))) throw new DeadLetterRefusedError("no-project");
    // While the failed vote still stands in Redis, casting it again would change nothing, and nothing would reach the rows.
    const { withdrawnAt, withdrawnVersion } = letter;
    const withdrawn = withdrawnAt === null ? await withdrawDeadVote(this.stores, letter) : withdrawnVersion;
    const resolution = await this.replayVote(letter, event, withdrawn ?? 0);
    if (!(await resolveLetter(this.stores.pool, key, resolution))) throw new DeadLetterRefusedError("resolved");
    return this.find(key);
  }

  private async replayVote(
    letter: DeadLetter,
    event: VoteEvent,
    withdrawnVersion: number,
  ): Promise<{ resolution: Resolution; replayRequestId?: string }> {
    const { redis, names } = this.stores;
    const { projectId, userId, voteType } = event;
    const key = replayKey(letter);
    const votedSince = await this.hasVotedSince(event, withdrawnVersion);
    // Looked up second: what voted since may be another replay of this letter, and then its answer is there by now.
    const earlier = await readRememberedAnswer(redis, names, { projectId, userId, key });
    if (earlier !== null) return { resolution: "replayed", replayRequestId: earlier.requestId };
    if (votedSince) return { resolution: "superseded" };
    const outcome = await this.cast({ projectId, userId, voteType, idempotency: { key, fingerprint: voteType } });
    if (outcome.kind === "unknown-project") throw new DeadLetterRefusedError("no-project");
    if (outcome.kind !== "answer") throw new Error(`a replay was not cast: ${outcome.kind}`);
    return { resolution: "replayed", replayRequestId: outcome.answer.requestId };
  }

  /** Newer than the failed vote and than its withdrawal: only the user can have done that. */
  private async hasVotedSince(event: VoteEvent, withdrawnVersion: number): Promise<boolean> {
    const { redis, names, pool } = this.stores;
    const versions = [await readHeldVote(redis, names, event), await readVote(pool, event)].map((v) => v?.version ?? 0);
    return Math.max(...versions) > Math.max(event.stamp, withdrawnVersion);
  }
}

/** Such as no `Idempotency-Key` header can be: those are ASCII. */
const replayKey = ({ shard, streamId }: DeadLetterKey) => `† ${shard}.${streamId}`;
