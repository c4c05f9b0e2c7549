/**
 * Brings the boards back from PostgreSQL after Redis lost them. Points given since the loss are kept, and added; what was given
 * between the last sync and the loss is gone with Redis.
 */
import { type Board, boardName } from "@votesync/core";
import {
  adoptBoardsEpoch,
  beginSyncRun,
  endSyncRun,
  entryPages,
  readOpenBoards,
  readSyncBackup,
  readSyncState,
  writeEntries,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { addRestored, beginRestore, finishRestore, readBoardsEpoch } from "@votesync/redis-store";
import { withSyncLock } from "./sync-lock.js";
import { USERS_PER_PAGE } from "./sync-pages.js";

export interface RestoreReport {
  run_id: string;
  /** Rows read back; none when the boards were whole already. */
  restored: number;
  boards: string[];
}

/** @throws {SyncRunningError} */
export async function restoreBoards(stores: Stores, runId: string): Promise<RestoreReport> {
  return withSyncLock(stores.pool, async () => {
    await beginSyncRun(stores.pool, { id: runId, trigger: "restore", dryRun: false, full: true });
    const report = await restore(stores, runId);
    await endSyncRun(stores.pool, { id: runId, status: "done", report, error: null });
    return report;
  });
}

async function restore(stores: Stores, runId: string): Promise<RestoreReport> {
  const { redis, names, pool } = stores;
  const { boardsEpoch } = await readSyncState(pool);
  if (boardsEpoch !== null && boardsEpoch === (await readBoardsEpoch(redis, names))) {
    return { run_id: runId, restored: 0, boards: [] };
  }
  const epoch = await adoptBoardsEpoch(pool);
  const boards = await readOpenBoards(pool);
  let restored = 0;
  for (const board of boards) restored += await readBack(stores, board);
  // One step: until it, Redis is as lost as before, and afterwards whole.
  await finishRestore(redis, names, { epoch, boards });
  return { run_id: runId, restored, boards: boards.map(boardName) };
}

async function readBack({ redis, names, pool }: Stores, board: Board): Promise<number> {
  await beginRestore(redis, names, board);
  let rows = 0;
  for await (const entries of entryPages(pool, board, USERS_PER_PAGE)) {
    await addRestored(redis, names, { board, entries });
    rows += entries.length;
  }
  return rows;
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
