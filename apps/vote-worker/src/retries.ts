/**
 * The second chance of events that failed: one pass tries what is due on this worker's shards, and takes the votes of those
 * that were given up out of Redis. One query per pass, however many shards.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> Parked: the batch was applied without it
 *   Parked --> [*]: a retry applied it
 *   Parked --> Parked: failed again, the next delay
 *   Parked --> Dead: failed after the last delay
 *   Dead --> Settled: its vote is out of Redis and its voter was told
 * ```
 *
 * Only a failure of the event's own counts as a try. When PostgreSQL is away nothing changes, and the pass fails as a whole.
 */
import { MalformedEventError, NewerEventError, parseEvent, wireOf } from "@votesync/core";
import {
  buryEntry,
  EventRefusedError,
  findDueEntries,
  findUnsettledLetters,
  isDataError,
  type ParkedEntry,
  parkAgain,
  postponeEntry,
  retryEntry,
} from "@votesync/postgres-store";
import { type Stores, withdrawDeadVote } from "@votesync/reconcile";
import pg from "pg";

const ENTRIES_PER_PASS = 100;
/** How often it is looked whether this release knows an event by now. */
const NEWER_EVENT_MS = 60_000;

export interface RetriesOptions extends Stores {
  /** How long an event waits before each retry. */
  delaysMs: readonly number[];
  /** The shards this worker holds now. */
  shards: () => readonly number[];
  now: () => Date;
  /** Told of each try. */
  onRetried: (entry: ParkedEntry, result: RetryResult) => void;
}

export type RetryResult = { kind: "applied" } | { kind: "parked" | "dead"; error: string };

export class Retries {
  constructor(private readonly options: RetriesOptions) {}

  /** @returns whether more is due */
  async runOnce(signal?: AbortSignal): Promise<boolean> {
    const { pool, now } = this.options;
    const shards = this.options.shards();
    if (shards.length === 0) return false;
    const due = await findDueEntries(pool, { shards, now: now(), limit: ENTRIES_PER_PASS });
    await this.retryAll(due, signal);
    const letters = await findUnsettledLetters(pool, { shards, limit: ENTRIES_PER_PASS });
    for (const letter of letters) {
      if (signal?.aborted === true) return false;
      await withdrawDeadVote(this.options, letter);
    }
    return due.length === ENTRIES_PER_PASS || letters.length === ENTRIES_PER_PASS;
  }

  /** One entry in trouble (a lock, a slow trigger) does not keep the others from their turn. */
  private async retryAll(due: readonly ParkedEntry[], signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const entry of due) {
      if (signal?.aborted === true) return;
      try {
        await this.retry(entry);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private async retry(entry: ParkedEntry): Promise<void> {
    const { pool, redis, names, now, onRetried } = this.options;
    try {
      const event = parseEvent(wireOf(entry.fields));
      if ((await retryEntry(pool, entry, event)) === null) return;
      onRetried(entry, { kind: "applied" });
      // Redis may have been loaded from the rows without this vote: the pass that compares looks at it.
      await redis.sadd(names.drifted(entry.shard), event.projectId);
    } catch (error) {
      // An earlier release took it for garbage. It is no try: it waits for a release that knows it.
      if (error instanceof NewerEventError)
        return postponeEntry(pool, entry, new Date(now().getTime() + NEWER_EVENT_MS));
      const reason = ownReason(error);
      if (reason === null) throw error;
      await this.failed(entry, reason);
    }
  }

  private async failed(entry: ParkedEntry, error: string): Promise<void> {
    const { pool, delaysMs, now, onRetried } = this.options;
    const delayMs = delaysMs[entry.attempts];
    if (delayMs === undefined) {
      if (await buryEntry(pool, entry, error)) onRetried(entry, { kind: "dead", error });
    } else if (await parkAgain(pool, entry, { error, retryAt: new Date(now().getTime() + delayMs) })) {
      onRetried(entry, { kind: "parked", error });
    }
  }
}

/** Why the event cannot be applied, when that is its own fault. */
function ownReason(error: unknown): string | null {
  if (error instanceof EventRefusedError) return error.reason;
  if (isDataError(error)) return error.message;
  return error instanceof MalformedEventError ? error.reason : null;
}
