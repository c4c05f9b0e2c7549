/**
 * Gives points, and notifies whoever watches leaderboards. Every replica reads every shard: the step that gives points is
 * one replica's whoever comes first, and the others find it done. Boards that Redis lost are counted anew here too.
 *
 * A board is told when votes changed it, and when its top is not what was told last: then points were given by hand, boards
 * were restored, a turn began, or another replica was overtaken on its way.
 */
import { type Board, boardAt, boardName, LEADERBOARD_PERIODS, type LeaderboardPeriod } from "@votesync/core";
import { type PointsReader, type RestoreReport, readLeaderboard, SyncRunningError } from "@votesync/leaderboard";
import type { Stores } from "@votesync/reconcile";
import { publishBroadcast } from "@votesync/redis-store";
import { createLoop, type Logger, type Loop } from "@votesync/service-kit";

const IDLE_MS = 200;
/** A board is told at most once in this time, and its last state always. */
const TELL_EVERY_MS = 1_000;
const ENTRIES_TOLD = 10;
/** A Redis that is failing over settles first; until the boards are back, no sync runs. */
const LOST_FOR_MS = 3_000;

export interface PointsLoopDeps {
  stores: Stores;
  reader: PointsReader;
  /** Counts the boards anew. @throws {SyncRunningError} when somebody else is at it */
  restore: () => Promise<RestoreReport>;
  zone: string;
  now: () => Date;
  log: Logger;
}

export function createPointsLoop(deps: PointsLoopDeps): Loop {
  const teller = new BoardTeller(deps);
  let lostSinceMs = Number.POSITIVE_INFINITY;
  const runOnce = async (): Promise<boolean> => {
    if (deps.stores.redis.status !== "ready") return false;
    const read = await deps.reader.readOnce();
    lostSinceMs = read.lost ? Math.min(lostSinceMs, performance.now()) : Number.POSITIVE_INFINITY;
    if (performance.now() - lostSinceMs >= LOST_FOR_MS) await restore(deps);
    teller.changed(read.boards);
    await teller.tell();
    return read.more;
  };
  return createLoop({ name: "points", runOnce, idleMs: IDLE_MS, log: deps.log });
}

/** Redis lost its boards, or went back further than the ledger of points reaches. */
async function restore({ restore, log }: PointsLoopDeps): Promise<void> {
  try {
    const report = await restore();
    log.warn({ ...report }, "Redis had lost the leaderboards; they were counted anew from PostgreSQL");
  } catch (error) {
    if (!(error instanceof SyncRunningError)) throw error;
  }
}

class BoardTeller {
  private readonly waiting = new Set<LeaderboardPeriod>();
  /** As told last. */
  private readonly told = new Map<LeaderboardPeriod, string>();
  private toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly deps: PointsLoopDeps) {}

  /** Turns that are over are not watched any more. */
  changed(boards: readonly Board[]): void {
    const current = new Set(this.current().map(boardName));
    for (const board of boards) if (current.has(boardName(board))) this.waiting.add(board.period);
  }

  async tell(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.toldAtMs < TELL_EVERY_MS) return;
    this.toldAtMs = nowMs;
    const { redis, names } = this.deps.stores;
    for (const board of this.current()) {
      const page = { board, offset: 0, limit: ENTRIES_TOLD };
      const { period, key, entries } = await readLeaderboard(this.deps.stores, page);
      const body = { period, key, entries };
      const wire = JSON.stringify(body);
      if (!this.waiting.has(period) && this.told.get(period) === wire) continue;
      await publishBroadcast(redis, names, { event: "leaderboard:updated", body });
      this.told.set(period, wire);
      this.waiting.delete(period);
    }
  }

  private current(): Board[] {
    const nowMs = this.deps.now().getTime();
    return LEADERBOARD_PERIODS.map((period) => boardAt(period, nowMs, this.deps.zone));
  }
}
