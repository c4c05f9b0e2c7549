/**
 * Follows one shard's event stream for the projects somebody watches, and tells their rooms.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> New: first project watched
 *   New --> Following: open(), the cursor is the stream's end
 *   Following --> Unsure: a pass failed, or 5 s since the last comparison
 *   Unsure --> Following: nothing was missed
 *   Unsure --> Gap: trimmed, wiped or rolled back
 *   Gap --> Following: every watched project was told fresh counts
 *   Following --> [*]: last project unwatched
 * ```
 *
 * What always holds: one message per project and pass, with absolute counts; a room is never told counts older than
 * those it has; the cursor moves only over entries whose outcome is told.
 */
import type { ProjectCounts, RedisNames } from "@votesync/core";
import { type RedisClient, readEvents } from "@votesync/redis-store";
import { eventMessage, type Fold, foldEntries, gapMessage, type RoomMessage, type SkippedEntry } from "./fold.js";
import type { Snapshot } from "./snapshot.js";
import { type Cursor, findGap, streamEnd } from "./stream-gap.js";

const ENTRIES_PER_PAGE = 1_000;
/** A pass that is far behind stops here and tells what it has; the next one goes on. */
const PAGES_PER_PASS = 10;
/** After this long without a comparison, a pass compares before it reads. Covers every pause that could matter. */
const COMPARE_EVERY_MS = 5_000;
const PROJECTS_PER_SNAPSHOT = 200;
/** Between tries to tell a snapshot after a gap. Live events go on meanwhile: PostgreSQL may be away for long. */
const SNAPSHOT_RETRY_MS = 1_000;
const NEVER_MS = Number.POSITIVE_INFINITY;

/** What happens to a tail, for metrics and logs. */
export interface TailObserver {
  eventsRead(count: number): void;
  entriesSkipped(shard: number, skipped: SkippedEntry[]): void;
  gapFound(shard: number, gap: { from: string; to: string }): void;
  passFailed(shard: number, error: unknown): void;
  /** The last failure is over. */
  passRecovered(shard: number): void;
}

export interface ShardTailDeps {
  redis: RedisClient;
  names: RedisNames;
  readSnapshot: (projectIds: readonly string[]) => Promise<Snapshot>;
  /** Hands a message to the project's room. `acceptedAtUs`: of the event it tells, if there is one. */
  tell: (message: RoomMessage, acceptedAtUs?: number) => void;
  observer: TailObserver;
  nowMs: () => number;
}

export class ShardTail {
  /** Project id → the newest counts its watchers were given; `null` before any. */
  private readonly watched = new Map<string, ProjectCounts | null>();
  private opening: Promise<void> | null = null;
  /** Behind the last entry told; `null` before the stream's end was found. */
  private cursor: Cursor | null = null;
  private comparedAtMs = Number.NEGATIVE_INFINITY;
  private snapshotDueAtMs = NEVER_MS;
  private busy = false;
  private failing = false;

  constructor(
    readonly shard: number,
    private readonly deps: ShardTailDeps,
  ) {}

  watch(projectId: string): void {
    if (!this.watched.has(projectId)) this.watched.set(projectId, null);
  }

  /** @returns whether nobody watches this shard any more */
  unwatch(projectId: string): boolean {
    this.watched.delete(projectId);
    return this.watched.size === 0;
  }

  get projects(): number {
    return this.watched.size;
  }

  /** Resolves once every later event will be told. Whoever reads counts after that misses nothing. */
  open(): Promise<void> {
    this.opening ??= this.findEnd().catch((error: unknown) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }

  /**
   * The newer one of `counts` and what the watchers were told. From now on nothing older is told: a snapshot is often
   * ahead of the tail by a few events, and its reader must not be taken back.
   */
  catchUp(projectId: string, counts: ProjectCounts): ProjectCounts {
    const known = this.watched.get(projectId);
    if (known !== undefined && known !== null && known.version > counts.version) return known;
    if (known !== undefined) this.watched.set(projectId, counts);
    return counts;
  }

  /** Reads and tells what came since the last pass; nothing while that one is still under way. Never rejects. */
  async pass(): Promise<void> {
    if (this.cursor === null || this.busy) return;
    this.busy = true;
    try {
      if (this.deps.nowMs() - this.comparedAtMs > COMPARE_EVERY_MS) await this.compare(this.cursor);
      await this.follow(this.cursor);
      if (this.deps.nowMs() >= this.snapshotDueAtMs) await this.tellSnapshot();
      this.recover();
    } catch (error) {
      this.comparedAtMs = Number.NEGATIVE_INFINITY;
      if (!this.failing) this.deps.observer.passFailed(this.shard, error);
      this.failing = true;
    } finally {
      this.busy = false;
    }
  }

  private recover(): void {
    if (!this.failing || this.snapshotDueAtMs !== NEVER_MS) return;
    this.failing = false;
    this.deps.observer.passRecovered(this.shard);
  }

  private async findEnd(): Promise<void> {
    this.cursor = await streamEnd(this.deps.redis, this.deps.names, this.shard);
    this.comparedAtMs = this.deps.nowMs();
  }

  private async compare(cursor: Cursor): Promise<void> {
    const { redis, names, observer, nowMs } = this.deps;
    const end = await findGap(redis, names, { shard: this.shard, cursor });
    this.comparedAtMs = nowMs();
    if (end === null) return;
    observer.gapFound(this.shard, { from: cursor.id, to: end.id });
    this.cursor = end;
    this.snapshotDueAtMs = this.comparedAtMs;
  }

  /** The counts are read after the cursor was moved, so what comes in between is told twice rather than never. */
  private async tellSnapshot(): Promise<void> {
    this.snapshotDueAtMs = this.deps.nowMs() + SNAPSHOT_RETRY_MS;
    const ids = [...this.watched.keys()];
    for (let from = 0; from < ids.length; from += PROJECTS_PER_SNAPSHOT) {
      const snapshot = await this.deps.readSnapshot(ids.slice(from, from + PROJECTS_PER_SNAPSHOT));
      for (const [id, counts] of snapshot) {
        if (!this.watched.has(id)) continue;
        // Also when it is older than what was told: Redis lost data, and this is what is left.
        this.watched.set(id, counts);
        this.deps.tell(gapMessage(id, counts));
      }
    }
    this.snapshotDueAtMs = NEVER_MS;
  }

  private async follow(from: Cursor): Promise<void> {
    const fold: Fold = new Map();
    try {
      let cursor: Cursor | null = from;
      for (let page = 0; page < PAGES_PER_PASS && cursor !== null; page++) cursor = await this.readPage(cursor, fold);
    } finally {
      this.tellFold(fold);
    }
  }

  /** @returns where the next page begins, `null` when this was the last. */
  private async readPage(from: Cursor, fold: Fold): Promise<Cursor | null> {
    const { redis, names, observer } = this.deps;
    const page = { shard: this.shard, afterId: from.id, count: ENTRIES_PER_PAGE };
    const entries = await readEvents(redis, names, page);
    const last = entries.at(-1);
    if (last === undefined) return null;
    const skipped = foldEntries(fold, entries);
    this.cursor = { id: last.id, entries: from.entries + entries.length };
    observer.eventsRead(entries.length);
    if (skipped.length > 0) observer.entriesSkipped(this.shard, skipped);
    return entries.length === ENTRIES_PER_PAGE ? this.cursor : null;
  }

  private tellFold(fold: Fold): void {
    for (const event of fold.values()) {
      const id = event.projectId;
      const known = this.watched.get(id);
      if (known === undefined || (known !== null && event.version < known.version)) continue;
      const message = eventMessage(event);
      const { upvotes, downvotes, version } = message.body;
      this.watched.set(id, { upvotes, downvotes, version });
      this.deps.tell(message, event.acceptedAtUs);
    }
  }
}
