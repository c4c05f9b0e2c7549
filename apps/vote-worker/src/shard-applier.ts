/**
 * One shard's way from its event stream to the rows: read on from the watermark, apply, move the watermark.
 *
 * What always holds: entries are applied in stream order; an entry is either applied or parked, never skipped; a failure that is
 * not the entry's own (PostgreSQL away, a lost shard) leaves everything as it was. Entries are read together with the one at the
 * watermark: without it the stream has lost data, and what follows may follow a gap. A PostgreSQL that has applied less than Redis
 * knows went back in time: nothing is applied before it has what Redis still has.
 */
import {
  MalformedEventError,
  NewerEventError,
  newerFormatOf,
  parseEvent,
  type RedisNames,
  type StreamEvent,
  tryParseEvent,
} from "@votesync/core";
import {
  type AppliedCounts,
  type AppliedEvent,
  applyEvents,
  type FailedEntry,
  isDataError,
  readShardEpoch,
  ShardMovedError,
} from "@votesync/postgres-store";
import { isPostgresBehind, needsFollowing } from "@votesync/reconcile";
import {
  markApplied,
  type RedisClient,
  readEvents,
  readEventsFollowing,
  readShardMarks,
  type StreamEntry,
  writeEpoch,
} from "@votesync/redis-store";
import type pg from "pg";

const PROGRESS_KEPT_MS = 1_000;
const MARK_EVERY_MS = 250;

/** Redis lost data of this shard: the entry at the watermark is not in its event stream. */
export class StreamGapError extends Error {
  override readonly name = "StreamGapError";
  constructor(
    readonly shard: number,
    readonly lastId: string,
  ) {
    super(
      `Redis lost data of shard ${shard}: entry ${lastId} is gone from its stream; nothing is applied until it is rebuilt`,
    );
  }
}

/** PostgreSQL went back in time. */
export class PostgresBehindError extends Error {
  override readonly name = "PostgresBehindError";
  constructor(
    readonly shard: number,
    readonly lastId: string,
    readonly onceApplied: string,
  ) {
    super(
      `PostgreSQL went back in time: shard ${shard} is applied up to ${lastId}, and once was up to ${onceApplied}; ` +
        'run "votesync votes recover-postgres"',
    );
  }
}

export interface ShardApplierDeps {
  pool: pg.Pool;
  redis: RedisClient;
  names: RedisNames;
  batchSize: number;
  /** From its first failure to its first retry. */
  retryDelayMs: number;
  now: () => Date;
  /** Brings over what a PostgreSQL that went back in time lost. It throws where nobody may do that without a person. */
  bringOver: (behind: PostgresBehindError) => Promise<void>;
  /** Told after each commit. */
  onApplied: (applied: AppliedBatch) => void;
  /** How long the watermark is believed without a look: so soon it is noticed that PostgreSQL was put back. Default: a second. */
  progressKeptMs?: number;
  /** How seldom Redis is told of the watermark. Default: every quarter of a second. */
  markEveryMs?: number;
}

export interface AppliedBatch {
  shard: number;
  events: AppliedEvent[];
  parked: FailedEntry[];
  /** Projects whose counters in PostgreSQL differ from what their last event says. */
  drifted: string[];
}

/** Where the shard stands in PostgreSQL. */
interface Progress {
  lastId: string;
  epochFromId: string;
  readAtMs: number;
}

export class ShardApplier {
  /** Unknown after a start, or when somebody else has moved it. */
  private progress: Progress | null = null;
  private marked = { id: "", atMs: Number.NEGATIVE_INFINITY };

  constructor(
    readonly shard: number,
    private readonly deps: ShardApplierDeps,
  ) {}

  /**
   * Applies at most one batch.
   * @returns how many entries; a full batch means there may be more
   * @throws {StreamGapError} {PostgresBehindError} {NewerEventError}: nothing was applied
   */
  async runOnce(): Promise<number> {
    const progress = await this.currentProgress();
    const entries = await this.read(progress);
    if (entries.length > 0) await this.apply(entries);
    await this.mark(entries.length === 0 ? 0 : (this.deps.markEveryMs ?? MARK_EVERY_MS));
    return entries.length;
  }

  /** The last entry whose rows are committed, as far as this worker knows. */
  committedId(): string | null {
    return this.progress?.lastId ?? null;
  }

  /** Before the stream is trimmed: Redis must know that PostgreSQL once had what is trimmed. */
  async markNow(): Promise<void> {
    await this.mark(0);
  }

  private async currentProgress(): Promise<Progress> {
    const known = this.progress;
    const keptMs = this.deps.progressKeptMs ?? PROGRESS_KEPT_MS;
    if (known !== null && performance.now() - known.readAtMs < keptMs) return known;
    this.progress = null;
    const { pool, redis, names, bringOver } = this.deps;
    // The marks first: the watermark moves before they do.
    const marks = await readShardMarks(redis, names, this.shard);
    const found = await readShardEpoch(pool, this.shard);
    const { lastId, epochFromId } = found;
    if (isPostgresBehind(found, marks)) {
      await bringOver(new PostgresBehindError(this.shard, lastId, marks.applied ?? lastId));
      return this.currentProgress();
    }
    // Data of a release before 0.2, which are this installation's.
    if (marks.installation === null && marks.epoch === found.epoch) await writeEpoch(redis, names, this.shard, found);
    this.progress = { lastId, epochFromId, readAtMs: performance.now() };
    return this.progress;
  }

  private async read({ lastId, epochFromId }: Progress): Promise<StreamEntry[]> {
    const { redis, names, batchSize } = this.deps;
    const read = { shard: this.shard, afterId: lastId, count: batchSize };
    if (!needsFollowing({ lastId, epochFromId })) return untilNewer(await readEvents(redis, names, read));
    const entries = await readEventsFollowing(redis, names, read);
    if (entries !== null) return untilNewer(entries);
    this.progress = null;
    throw new StreamGapError(this.shard, lastId);
  }

  private async mark(everyMs: number): Promise<void> {
    const id = this.progress?.lastId;
    if (id === undefined || id === this.marked.id || performance.now() - this.marked.atMs < everyMs) return;
    await markApplied(this.deps.redis, this.deps.names, this.shard, id);
    this.marked = { id, atMs: performance.now() };
  }

  private async apply(entries: StreamEntry[]): Promise<void> {
    try {
      await this.applyOrSplit(entries);
    } catch (error) {
      this.progress = null;
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
    const progress = this.progress as Progress;
    const fromId = progress.lastId;
    const retryAt = new Date(now().getTime() + retryDelayMs);
    const { counts, parked } = await applyEvents(pool, { shard: this.shard, fromId, toId, events, failed, retryAt });
    this.progress = { ...progress, lastId: toId };
    const drifted = driftedProjects(events, counts);
    onApplied({ shard: this.shard, events: withoutParked(events, parked), parked, drifted });
    // Lost when Redis fails right now; the rolling check finds it later.
    if (drifted.length > 0) await redis.sadd(names.drifted(this.shard), drifted);
  }
}

/** What a newer release wrote is left for it, and so is everything behind it. */
function untilNewer(entries: StreamEntry[]): StreamEntry[] {
  const at = entries.findIndex(({ wire }) => newerFormatOf(wire) !== null);
  if (at === 0) throw new NewerEventError(newerFormatOf(entries[0]?.wire) ?? 0);
  return at < 0 ? entries : entries.slice(0, at);
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
