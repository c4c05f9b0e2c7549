/**
 * Brings the boards back after Redis lost them, exactly: they are counted anew from the votes that stand and from points given by
 * hand, in one snapshot of PostgreSQL, and the events go on from that snapshot's watermarks. Also for boards that are there and
 * wrong.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  type Board,
  boardAt,
  boardName,
  boardSpan,
  compareStreamIds,
  LEADERBOARD_PERIODS,
  type PointsOfVotes,
} from "@votesync/core";
import {
  adoptBoardsEpoch,
  beginSyncRun,
  type CountedPoints,
  countPoints,
  endSyncRun,
  readOpenBoards,
  readShardProgress,
  readSyncBackup,
  requireFullSync,
  VotesUnderWayError,
  votesSettled,
  writeEntries,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { addRestored, beginRestore, finishRestore, readStreamEnd } from "@votesync/redis-store";
import { withSyncLock } from "./sync-lock.js";
import { USERS_PER_PAGE } from "./sync-pages.js";

/** Counting reads every vote of a year. */
const COUNT_TIMEOUT_MS = 300_000;
const SETTLE_MS = 15_000;
const POLL_MS = 50;
const TRIES = 5;

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

/** @throws {SyncRunningError} {VotesUnderWayError} asking again is safe */
export async function restoreBoards(deps: RestoreDeps, runId: string): Promise<RestoreReport> {
  const { pool } = deps.stores;
  return withSyncLock(pool, async () => {
    await beginSyncRun(pool, { id: runId, trigger: "restore", dryRun: false, full: true });
    try {
      const report = { run_id: runId, ...(await restore(deps)) };
      await endSyncRun(pool, { id: runId, status: "done", report, error: null });
      return report;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await endSyncRun(pool, { id: runId, status: "failed", report: null, error: message }).catch(() => undefined);
      throw error;
    }
  });
}

async function restore(deps: RestoreDeps): Promise<Omit<RestoreReport, "run_id">> {
  const { redis, names, pool } = deps.stores;
  const boards = await boardsToRestore(deps);
  const counted = await countWhenSettled(deps, boards);
  let restored = 0;
  for (const board of boards) {
    const entries = counted.spans.get(boardName(board)) ?? [];
    await beginRestore(redis, names, board);
    for (let from = 0; from < entries.length; from += USERS_PER_PAGE) {
      await addRestored(redis, names, { board, entries: entries.slice(from, from + USERS_PER_PAGE) });
    }
    restored += entries.length;
  }
  await requireFullSync(pool);
  // One step: until it, Redis is as lost as before, and afterwards whole.
  await finishRestore(redis, names, { epoch: await adoptBoardsEpoch(pool), boards, lastIds: counted.lastIds });
  return { restored, boards: boards.map(boardName) };
}

/** Those that are now, and those that are over and have not had their last sync. */
async function boardsToRestore({ stores, zone, nowMs }: RestoreDeps): Promise<Board[]> {
  const current = LEADERBOARD_PERIODS.map((period) => boardAt(period, nowMs(), zone));
  const open = await readOpenBoards(stores.pool);
  return [...new Map([...current, ...open].map((board) => [boardName(board), board])).values()];
}

/** A vote that went past Redis is a row already, and an event that is yet to come: it must not be counted as both. */
async function countWhenSettled(deps: RestoreDeps, boards: readonly Board[]): Promise<CountedPoints> {
  const { stores, zone, points } = deps;
  const spans = boards.map((board) => ({ name: boardName(board), ...boardSpan(board, zone) }));
  for (let i = 1; ; i++) {
    const settledAt = await untilSettled(stores);
    try {
      return await countPoints(stores.pool, { spans, points, settledAt, timeoutMs: COUNT_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof VotesUnderWayError) || i >= TRIES) throw error;
    }
  }
}

/** @returns a moment at which every event that there was had been applied, and none was missing */
async function untilSettled({ redis, names, pool }: Stores): Promise<Date> {
  const giveUpAtMs = performance.now() + SETTLE_MS;
  for (;;) {
    const { settled, at } = await votesSettled(pool);
    const ends = await Promise.all(names.allShards().map((shard) => readStreamEnd(redis, names, shard)));
    while (settled && performance.now() < giveUpAtMs) {
      const progress = await readShardProgress(pool);
      if (ends.every((end, shard) => compareStreamIds(end, progress.get(shard) ?? "0-0") <= 0)) return at;
      await delay(POLL_MS);
    }
    if (performance.now() >= giveUpAtMs) throw new VotesUnderWayError();
    await delay(POLL_MS);
  }
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
export async function undoSync(stores: Stores, o: { runId: string; undoId: string }): Promise<UndoReport> {
  return withSyncLock(stores.pool, async () => {
    await beginSyncRun(stores.pool, { id: o.undoId, trigger: "undo", dryRun: false, full: false });
    const rows = await readSyncBackup(stores.pool, o.runId);
    for (let from = 0; from < rows.length; from += USERS_PER_PAGE) {
      const changes = rows.slice(from, from + USERS_PER_PAGE).map(({ period, key, userId, points }) => ({
        board: { period, key } as Board,
        userId,
        points,
        before: null,
      }));
      await writeEntries(stores.pool, { changes, keepFor: null });
    }
    const report = { run_id: o.runId, undone: rows.length };
    await endSyncRun(stores.pool, { id: o.undoId, status: "done", report, error: null });
    return report;
  });
}
