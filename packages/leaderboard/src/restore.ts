/**
 * Brings the boards back after Redis lost them, exactly: they are counted anew from the votes that stand and from points given by
 * hand, in one snapshot of PostgreSQL, and the moves go on from that snapshot's last ones. Also for boards that are there and
 * wrong.
 */
import { type Board, boardAt, boardName, boardSpan, LEADERBOARD_PERIODS, type PointsOfVotes } from "@votesync/core";
import {
  adoptBoardsEpoch,
  beginSyncRun,
  countPoints,
  endSyncRun,
  readOpenBoards,
  requireFullSync,
  type SyncTrigger,
  syncBackupPages,
  writeEntries,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { addRestored, beginRestore, finishRestore } from "@votesync/redis-store";
import type pg from "pg";
import { withSyncLock } from "./sync-lock.js";
import { USERS_PER_PAGE } from "./sync-pages.js";

/** Counting reads every vote of a year. */
const COUNT_TIMEOUT_MS = 300_000;

export interface RestoreDeps {
  stores: Stores;
  zone: string;
  points: PointsOfVotes;
  nowMs: () => number;
}

export interface RestoreReport {
  run_id: string;
  /** Entries on all boards together. */
  restored: number;
  boards: string[];
}

/** @throws {SyncRunningError} asking again is safe */
export async function restoreBoards(deps: RestoreDeps, runId: string): Promise<RestoreReport> {
  const { pool } = deps.stores;
  return recorded(pool, { id: runId, trigger: "restore", full: true }, async () => ({
    run_id: runId,
    ...(await restore(deps)),
  }));
}

/** Alone, and in the history, however it ends. */
function recorded<T extends object>(
  pool: pg.Pool,
  run: { id: string; trigger: SyncTrigger; full: boolean },
  work: () => Promise<T>,
): Promise<T> {
  return withSyncLock(pool, async () => {
    await beginSyncRun(pool, { ...run, dryRun: false });
    try {
      const report = await work();
      await endSyncRun(pool, { id: run.id, status: "done", report, error: null });
      return report;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await endSyncRun(pool, { id: run.id, status: "failed", report: null, error: message }).catch(() => undefined);
      throw error;
    }
  });
}

async function restore(deps: RestoreDeps): Promise<Omit<RestoreReport, "run_id">> {
  const { redis, names, pool } = deps.stores;
  const boards = await boardsToRestore(deps);
  const { restored, given } = await countInto(deps, boards);
  await requireFullSync(pool);
  // One step: until it, Redis is as lost as before, and afterwards whole.
  await finishRestore(redis, names, { epoch: await adoptBoardsEpoch(pool), boards, given });
  return { restored, boards: boards.map(boardName) };
}

/** Those that are now, and those that are over and have not had their last sync. */
async function boardsToRestore({ stores, zone, nowMs }: RestoreDeps): Promise<Board[]> {
  const current = LEADERBOARD_PERIODS.map((period) => boardAt(period, nowMs(), zone));
  const open = await readOpenBoards(stores.pool);
  return [...new Map([...current, ...open].map((board) => [boardName(board), board])).values()];
}

/** Beside the boards that there are, page by page. */
async function countInto({ stores, zone, points }: RestoreDeps, boards: readonly Board[]) {
  const { redis, names, pool } = stores;
  const byName = new Map(boards.map((board) => [boardName(board), board]));
  let restored = 0;
  for (const board of boards) await beginRestore(redis, names, board);
  const given = await countPoints(pool, {
    spans: boards.map((board) => ({ name: boardName(board), ...boardSpan(board, zone) })),
    points,
    timeoutMs: COUNT_TIMEOUT_MS,
    pageSize: USERS_PER_PAGE,
    onPage: async (name, entries) => {
      restored += entries.length;
      await addRestored(redis, names, { board: byName.get(name) as Board, entries });
    },
  });
  return { restored, given };
}

export interface UndoReport {
  run_id: string;
  /** Rows put back. */
  undone: number;
}

/**
 * Puts the rows that a run updated or deleted back as they were. Redis stays as it is: the next sync brings what it says again, so
 * the boards are to be restored, or the sync stopped, as well.
 */
export async function undoSync({ pool }: Stores, o: { runId: string; undoId: string }): Promise<UndoReport> {
  return recorded(pool, { id: o.undoId, trigger: "undo", full: false }, async () => {
    let undone = 0;
    for await (const rows of syncBackupPages(pool, o.runId, USERS_PER_PAGE)) {
      const changes = rows.map(({ period, key, userId, points }) => ({
        board: { period, key } as Board,
        userId,
        points,
        before: null,
      }));
      await writeEntries(pool, { changes, keepFor: null });
      undone += rows.length;
    }
    return { run_id: o.runId, undone };
  });
}
