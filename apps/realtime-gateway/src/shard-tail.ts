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
 * What always holds: at most one message per project and pass, with absolute counts, and passes begin so seldom that no
 * second has more than 20; a room is never told counts older than those it has; the cursor moves only over entries that are
 * told, or kept to be told by the next pass.
 */
import { countsView, type ProjectCounts, type RedisNames } from "@votesync/core";
import { type RedisClient, readEvents } from "@votesync/redis-store";
import {
  eventMessage,
  type Fold,
  foldEntries,
  gapMessage,
  type RoomMessage,
  type SkippedEntry,
  type ToldEvent,
} from "./fold.js";
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
  /**
   * From the beginning of one pass to that of the next, at least: with 55 ms, 21 messages take more than a second however
   * long reading for each took. Counted from the end of a reading, a busy Redis costs a third of them.
   */
  paceMs: number;
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
  /** Read and not told yet. */
  private readonly fold: Fold = new Map();
  /** Projects this pass has a message for. */
  private readonly toldNow = new Set<string>();
  /** When the next pass may begin. */
  private nextAtMs = Number.NEGATIVE_INFINITY;
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

  /** When the next pass may do something, by the clock it was given. */
  get dueAtMs(): number {
    return this.busy ? Number.NEGATIVE_INFINITY : this.nextAtMs;
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

  /** Reads and tells what came since the last pass; nothing while that one is under way or too fresh. Never rejects. */
  async pass(): Promise<void> {
    const { nowMs, paceMs, observer } = this.deps;
    if (this.cursor === null || this.busy || nowMs() < this.nextAtMs) return;
    this.busy = true;
    this.nextAtMs = nowMs() + paceMs;
    this.toldNow.clear();
    try {
      if (nowMs() - this.comparedAtMs > COMPARE_EVERY_MS) await this.compare(this.cursor);
      await this.readAndTell(this.cursor);
      this.recover();
    } catch (error) {
      this.comparedAtMs = Number.NEGATIVE_INFINITY;
      if (!this.failing) observer.passFailed(this.shard, error);
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
    // Of a stream that may be no more; the snapshot says what is true now.
    this.fold.clear();
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
        this.tell(gapMessage(id, counts));
      }
    }
    this.snapshotDueAtMs = NEVER_MS;
  }

  private async readAndTell(from: Cursor): Promise<void> {
    try {
      await this.read(from);
      if (this.deps.nowMs() >= this.snapshotDueAtMs) await this.tellSnapshot();
    } finally {
      this.tellFold();
    }
  }

  private async read(from: Cursor): Promise<void> {
    let cursor: Cursor | null = from;
    for (let page = 0; page < PAGES_PER_PASS && cursor !== null; page++) cursor = await this.readPage(cursor);
  }

  /** @returns where the next page begins, `null` when this was the last. */
  private async readPage(from: Cursor): Promise<Cursor | null> {
    const { redis, names, observer } = this.deps;
    const page = { shard: this.shard, afterId: from.id, count: ENTRIES_PER_PAGE };
    const entries = await readEvents(redis, names, page);
    const last = entries.at(-1);
    if (last === undefined) return null;
    const skipped = foldEntries(this.fold, entries);
    this.cursor = { id: last.id, entries: from.entries + entries.length };
    observer.eventsRead(entries.length);
    if (skipped.length > 0) observer.entriesSkipped(this.shard, skipped);
    return entries.length === ENTRIES_PER_PAGE ? this.cursor : null;
  }

  /** Of each project the oldest: a repair and a vote of one window go out one after the other. */
  private tellFold(): void {
    for (const [key, event] of this.fold) {
      const known = this.watched.get(event.projectId);
      const message = known === undefined ? null : newerMessage(event, known);
      if (message !== null && this.toldNow.has(event.projectId)) continue;
      this.fold.delete(key);
      if (message !== null) this.tell(message, event.acceptedAtUs);
    }
  }

  private tell(message: RoomMessage, acceptedAtUs?: number): void {
    const { id, upvotes, downvotes, version } = message.body;
    this.watched.set(id, { upvotes, downvotes, version });
    this.toldNow.add(id);
    this.deps.tell(message, acceptedAtUs);
  }
}

/**
 * What an event says to a room that has been told `known`. That a period is over is news also when newer counts are known,
 * from somebody who has just come: then it is said with those.
 * @returns `null` when it is nothing new
 */
function newerMessage(event: ToldEvent, known: ProjectCounts | null): RoomMessage | null {
  const message = eventMessage(event);
  if (known === null || event.version >= known.version) return message;
  if (event.kind !== "closed") return null;
  return { ...message, body: { ...message.body, ...countsView(event.projectId, known) } };
}
