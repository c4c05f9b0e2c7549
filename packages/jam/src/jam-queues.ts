/**
 * Reads boards such that every vote that was answered before is in them, whoever asks, on whichever replica.
 *
 * ```
 * PostgreSQL   which structure the board has now, and which streams have votes that went past Redis
 * Redis        the board as it is kept ready: every vote is put there before it is answered
 *   not there, of an older structure, or loaded 5 s ago: streams from PostgreSQL, counters from Redis, kept ready anew
 * ```
 *
 * PostgreSQL is asked first: once it says that Redis knows all votes of a stream, Redis is read after that moment. Without
 * Redis the rows are shown, without PostgreSQL what Redis has.
 */
import { type CountedStream, inQueueOrder, type JamState, type ProjectCounts, streamView } from "@votesync/core";
import { type BoardHead, type BoardStreams, readBoardHead, readBoardStreams } from "@votesync/postgres-store";
import { loadJam, readCounts, readJam, type StoredJam } from "@votesync/redis-store";
import { SharedReads } from "@votesync/service-kit";
import type { JamStores } from "./jam-stores.js";

/** What changed counters without a vote is seen after this long at the latest: no copy of counters may live longer. */
const MAX_AGE_MS = 5_000;
const NEVER_TOO_OLD_MS = 1e12;

/** A board, and the structure it was read at. */
export interface ReadJam {
  structure: number;
  state: JamState;
  /** Streams of which Redis may not know all votes; `null`: that may be any. */
  degraded: ReadonlySet<string> | null;
}

export class JamQueues {
  private readonly kept = new SharedReads((boardId) => this.readNow(boardId, MAX_AGE_MS));
  private readonly fresh = new SharedReads((boardId) => this.readNow(boardId, 0));

  constructor(
    private readonly stores: JamStores,
    /** Whether what Redis says now can be relied on. */
    private readonly redisUsable: () => boolean,
  ) {}

  /**
   * @param o.fresh reads every counter anew, whatever is kept ready
   * @returns `null` when there is no such board
   * @throws what PostgreSQL throws, when it is away and Redis alone cannot tell
   */
  read(boardId: string, o: { fresh?: boolean } = {}): Promise<ReadJam | null> {
    return (o.fresh === true ? this.fresh : this.kept).read(boardId);
  }

  private async readNow(boardId: string, maxAgeMs: number): Promise<ReadJam | null> {
    const { pool } = this.stores;
    const head = await readBoardHead(pool, boardId).catch((error: unknown) => ({ error }));
    if (head === null) return null;
    if ("error" in head) return this.readWithoutRows(boardId, head.error);
    const kept = this.redisUsable() ? await this.readKept(boardId, head, maxAgeMs).catch(() => null) : null;
    if (kept !== null) return shown(boardId, withDegraded(kept, head), new Set(head.degraded.keys()));
    const rows = await readBoardStreams(pool, boardId);
    return rows === null ? null : shown(boardId, jamOf(rows), null);
  }

  private async readKept(boardId: string, { structure }: BoardHead, maxAgeMs: number): Promise<StoredJam | null> {
    const { redis, names, pool } = this.stores;
    const wanted = { boardId, minStructure: structure, maxAgeMs };
    const kept = maxAgeMs === 0 ? null : await readJam(redis, names, wanted);
    if (kept !== null) return kept;
    const rows = await readBoardStreams(pool, boardId);
    return rows === null ? null : this.load(boardId, rows);
  }

  /** @throws `cause` when Redis does not know which streams the board has */
  private async readWithoutRows(boardId: string, cause: unknown): Promise<ReadJam> {
    const { redis, names } = this.stores;
    const wanted = { boardId, minStructure: 0, maxAgeMs: NEVER_TOO_OLD_MS };
    const kept = this.redisUsable() ? await readJam(redis, names, wanted).catch(() => null) : null;
    if (kept === null) throw cause;
    const { active, queue } = kept;
    const counts = new Map([...queue, ...(active === null ? [] : [active])].map((one) => [one.info.id, one.counts]));
    const streams = { active: active?.info ?? null, queue: queue.map(({ info }) => info) };
    return shown(boardId, await this.load(boardId, { structure: kept.structure, ...streams, counts }), null);
  }

  private async load(boardId: string, { structure, active, queue, counts }: BoardStreams): Promise<StoredJam> {
    const { redis, names } = this.stores;
    const newest = new Map(counts);
    for (const [id, live] of await readCounts(redis, names, [...counts.keys()])) {
      if (live.version >= (counts.get(id) as ProjectCounts).version) newest.set(id, live);
    }
    return loadJam(redis, names, { boardId, structure, streams: { active, queue }, counts: newest });
  }
}

/** Rows are the newer ones where votes went past Redis, until it knows of them. */
function withDegraded(jam: StoredJam, { degraded }: BoardHead): StoredJam {
  if (degraded.size === 0) return jam;
  const newest = ({ info, counts }: CountedStream): CountedStream => {
    const row = degraded.get(info.id);
    return { info, counts: row !== undefined && row.version >= counts.version ? row : counts };
  };
  const active = jam.active === null ? null : newest(jam.active);
  const queue = inQueueOrder(jam.queue.map(newest));
  return { ...jam, active, queue, version: versionOf(jam.version, active, queue) };
}

function jamOf({ structure, active, queue, counts }: BoardStreams): StoredJam {
  const counted = (info: BoardStreams["queue"][number]) => ({ info, counts: counts.get(info.id) as ProjectCounts });
  const streams = inQueueOrder(queue.map(counted));
  const activeOne = active === null ? null : counted(active);
  return { structure, active: activeOne, queue: streams, version: versionOf(structure, activeOne, streams) };
}

function versionOf(atLeast: number, active: CountedStream | null, queue: readonly CountedStream[]): number {
  return [...queue, ...(active === null ? [] : [active])].reduce(
    (newest, { counts }) => Math.max(newest, counts.version),
    atLeast,
  );
}

function shown(
  jamId: string,
  { structure, version, active, queue }: StoredJam,
  degraded: ReadonlySet<string> | null,
): ReadJam {
  const view = ({ info, counts }: CountedStream) => streamView(info, counts);
  const state = { jamId, version, activeStream: active === null ? null : view(active), streams: queue.map(view) };
  return { structure, state, degraded };
}
