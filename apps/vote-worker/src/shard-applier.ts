/**
 * One shard's way from its stream to the rows: read on from `last_id`, apply, move `last_id`.
 *
 * What always holds: entries are applied in stream order; an entry is either applied or parked, never skipped;
 * a failure that is not the entry's own (PostgreSQL away, a lost shard) leaves everything as it was.
 */
import { MalformedEventError, parseEvent, type RedisNames, type StreamEvent, tryParseEvent } from "@votesync/core";
import {
  type AppliedCounts,
  type AppliedEvent,
  applyEvents,
  type FailedEntry,
  isDataError,
  readLastId,
  ShardMovedError,
} from "@votesync/postgres-store";
import { type RedisClient, readEvents, type StreamEntry } from "@votesync/redis-store";
import type pg from "pg";

export interface ShardApplierDeps {
  pool: pg.Pool;
  redis: RedisClient;
  names: RedisNames;
  batchSize: number;
  /** From its first failure to its first retry. */
  retryDelayMs: number;
  now: () => Date;
  /** Told after each commit. */
  onApplied: (applied: AppliedBatch) => void;
}

export interface AppliedBatch {
  shard: number;
  events: AppliedEvent[];
  parked: FailedEntry[];
  /** Projects whose counters in PostgreSQL differ from what their last event says. */
  drifted: string[];
}

export class ShardApplier {
  /** Where the shard stands; unknown after a start or when somebody else has moved it. */
  private lastId: string | null = null;

  constructor(
    readonly shard: number,
    private readonly deps: ShardApplierDeps,
  ) {}

  /** Applies at most one batch. @returns how many entries; a full batch means there may be more. */
  async runOnce(): Promise<number> {
    const { redis, names, batchSize, pool } = this.deps;
    const afterId = this.lastId ?? (await readLastId(pool, this.shard));
    this.lastId = afterId;
    const entries = await readEvents(redis, names, { shard: this.shard, afterId, count: batchSize });
    if (entries.length > 0) await this.apply(entries);
    return entries.length;
  }

  /** The last entry whose rows are committed, as far as this worker knows. */
  committedId(): string | null {
    return this.lastId;
  }

  private async apply(entries: StreamEntry[]): Promise<void> {
    try {
      await this.applyOrSplit(entries);
    } catch (error) {
      this.lastId = null;
      if (!(error instanceof ShardMovedError)) throw error;
    }
  }

  /** A batch that PostgreSQL refuses for its data is halved until the one entry at fault stands alone. */
  private async applyOrSplit(entries: StreamEntry[], refusal?: Error): Promise<void> {
    const alone = entries.length === 1;
    try {
      await this.commit(entries, alone ? refusal : undefined);
    } catch (error) {
      if (!isDataError(error) || refusal !== undefined) throw error;
      if (alone) return this.applyOrSplit(entries, error);
      const middle = entries.length >> 1;
      await this.applyOrSplit(entries.slice(0, middle));
      await this.applyOrSplit(entries.slice(middle));
    }
  }

  private async commit(entries: StreamEntry[], refusal?: Error): Promise<void> {
    const { events, failed } =
      refusal === undefined ? decode(entries) : { events: [], failed: refused(entries, refusal) };
    const { pool, now, retryDelayMs, onApplied, redis, names } = this.deps;
    const toId = (entries.at(-1) as StreamEntry).id;
    const fromId = this.lastId as string;
    const retryAt = new Date(now().getTime() + retryDelayMs);
    const { counts, parked } = await applyEvents(pool, { shard: this.shard, fromId, toId, events, failed, retryAt });
    this.lastId = toId;
    const drifted = driftedProjects(events, counts);
    onApplied({ shard: this.shard, events: withoutParked(events, parked), parked, drifted });
    // Lost when Redis fails right now; the rolling check finds it later.
    if (drifted.length > 0) await redis.sadd(names.drifted(this.shard), drifted);
  }
}

function decode(entries: StreamEntry[]): { events: AppliedEvent[]; failed: FailedEntry[] } {
  const events: AppliedEvent[] = [];
  const failed: FailedEntry[] = [];
  for (const { id, wire, fields } of entries) {
    try {
      events.push({ streamId: id, fields, event: parseEvent(wire) });
    } catch (error) {
      if (!(error instanceof MalformedEventError)) throw error;
      failed.push({ streamId: id, fields, error: error.reason });
    }
  }
  return { events, failed };
}

function withoutParked(events: AppliedEvent[], parked: FailedEntry[]): AppliedEvent[] {
  if (parked.length === 0) return events;
  const ids = new Set(parked.map(({ streamId }) => streamId));
  return events.filter(({ streamId }) => !ids.has(streamId));
}

const refused = (entries: StreamEntry[], refusal: Error): FailedEntry[] =>
  entries.map(({ id, wire, fields }) => ({
    streamId: id,
    fields,
    error: refusal.message,
    ...eventOf(tryParseEvent(wire)),
  }));

const eventOf = (event: StreamEvent | null) => (event === null ? {} : { event });

/**
 * Every event carries the counters after it, so comparing the two stores costs nothing here. While events of a project
 * are parked its counters differ, and nobody is to blame.
 */
function driftedProjects(events: AppliedEvent[], counts: AppliedCounts[]): string[] {
  const telling = events.filter(({ event }) => event.kind !== "persisted");
  const last = new Map(telling.map(({ event }) => [`${event.projectId}\n${event.period}`, event]));
  return counts.flatMap(({ projectId, period, upvotes, downvotes, parked }) => {
    const event = last.get(`${projectId}\n${period}`);
    const same = parked || event === undefined || (event.upvotes === upvotes && event.downvotes === downvotes);
    return same ? [] : [projectId];
  });
}
