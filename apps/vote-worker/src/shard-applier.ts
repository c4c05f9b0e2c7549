/**
 * One shard's way from its event stream to the rows: read on from the watermark, apply, move the watermark.
 *
 * What always holds: entries are applied in stream order; an entry is either applied or parked, never skipped; a failure that is
 * not the entry's own (PostgreSQL away, a lost shard) leaves everything as it was. Entries are read together with the one at the
 * watermark: without it the stream has lost data, and what follows may follow a gap. A PostgreSQL that has applied less than Redis
 * knows went back in time: nothing is applied before it has what Redis still has.
 */
import { NewerEventError, newerFormatOf, type RedisNames } from "@votesync/core";
import {
  type AppliedCounts,
  type AppliedEvent,
  type FailedEntry,
  readShardEpoch,
  ShardMovedError,
} from "@votesync/postgres-store";
import { applyEntries, type CommittedEntries, isPostgresBehind, needsFollowing } from "@votesync/reconcile";
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
    const { redis, names, bringOver } = this.deps;
    let { found, marks, behind } = await this.look();
    if (behind !== null) {
      await bringOver(behind);
      ({ found, marks, behind } = await this.look());
      if (behind !== null) throw behind;
    }
    // Data of a release before 0.2, which are this installation's.
    if (marks.installation === null && marks.epoch === found.epoch) await writeEpoch(redis, names, this.shard, found);
    this.progress = { lastId: found.lastId, epochFromId: found.epochFromId, readAtMs: performance.now() };
    return this.progress;
  }

  private async look() {
    const { pool, redis, names } = this.deps;
    // The marks first: the watermark moves before they do.
    const marks = await readShardMarks(redis, names, this.shard);
    const found = await readShardEpoch(pool, this.shard);
    const isBehind = isPostgresBehind(found, marks);
    const behind = isBehind ? new PostgresBehindError(this.shard, found.lastId, marks.applied ?? found.lastId) : null;
    return { found, marks, behind };
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
    const { pool, now, retryDelayMs } = this.deps;
    const retryAt = new Date(now().getTime() + retryDelayMs);
    const fromId = (this.progress as Progress).lastId;
    const onCommit = (committed: CommittedEntries) => this.committed(committed);
    try {
      await applyEntries(pool, { shard: this.shard, fromId, entries, retryAt, onCommit });
    } catch (error) {
      this.progress = null;
      if (!(error instanceof ShardMovedError)) throw error;
    }
  }

  private async committed({ toId, events, parked, counts }: CommittedEntries): Promise<void> {
    const { onApplied, redis, names } = this.deps;
    this.progress = { ...(this.progress as Progress), lastId: toId };
    const drifted = driftedProjects(events, counts);
    onApplied({ shard: this.shard, events, parked, drifted });
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
