/**
 * Brings the leaderboards from Redis to PostgreSQL, one run at a time over all replicas.
 *
 * Incremental, it looks at who changed since the last run; full, at everybody on either side. Nothing is deleted on a guess: a
 * Redis that is not the one PostgreSQL was synced with stops the run, and so does a run that would delete too much. Killed
 * anywhere, the next run does the same again: what was taken as changed stays so until it is written.
 *
 * A turn of a period that is over gets one last, full sync; then its rows are frozen, and nothing touches them again.
 */
import { type Board, boardAt, boardName, LEADERBOARD_PERIODS, type LeaderboardPeriod } from "@votesync/core";
import {
  adoptBoardsEpoch,
  beginSyncRun,
  countEntries,
  endSyncRun,
  isFrozen,
  markFrozen,
  markFullSync,
  markMovesSynced,
  readOpenBoards,
  readPointProgress,
  readSyncState,
  recountEntries,
  rememberBoards,
  type SyncTrigger,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import {
  countBoard,
  dropTaken,
  freezeBoard,
  markDirty,
  readBoards,
  readBoardsEpoch,
  readPointsGiven,
  takeDirty,
  writeBoardsEpoch,
} from "@votesync/redis-store";
import { comparePages } from "./compare-pages.js";
import { compareUsers } from "./compare-users.js";
import { arePointsComplete, areSyncedMovesGiven, isOverOnEveryClock } from "./points-complete.js";
import { SyncCounter } from "./sync-counts.js";
import { BoardsBehindError, BoardsLostError, MassDeleteRefusedError } from "./sync-errors.js";
import { withSyncLock } from "./sync-lock.js";
import { allUsers, countMissing, dirtyUsers } from "./sync-pages.js";
import { noCounts, type SyncReport } from "./sync-report.js";
import { type FailedChange, writeChanges } from "./write-changes.js";

/** Ended boards leave Redis after a while; nobody asks for them there. */
const FROZEN_KEPT_MS = 8 * 86_400_000;
/** So long an ended board is waited for, until all its points are given; after that, its last sync is the next run's. */
const POINTS_WAIT_MS = 10_000;

export interface SyncDeps {
  stores: Stores;
  zone: string;
  /** A run that would delete more than this share of a board's rows, and more than `maxDeleteMin` of them, stops. */
  maxDeleteRatio: number;
  maxDeleteMin: number;
  nowMs: () => number;
  pointsWaitMs?: number;
}

export interface SyncOptions {
  runId: string;
  trigger: SyncTrigger;
  dryRun: boolean;
  full: boolean;
  /** Deletes whatever there is to delete, and takes Redis for right. */
  force: boolean;
  periods: readonly LeaderboardPeriod[];
}

/** @throws {SyncRunningError} {BoardsLostError} {BoardsBehindError} {MassDeleteRefusedError}: nothing was written */
export async function runSync(deps: SyncDeps, o: SyncOptions): Promise<SyncReport> {
  const { pool } = deps.stores;
  return withSyncLock(pool, async () => {
    const { lastFullAt } = await readSyncState(pool);
    // Before the first one, and after the boards were counted anew, nobody knows who changed.
    const full = o.full || lastFullAt === null;
    await beginSyncRun(pool, { id: o.runId, trigger: o.trigger, dryRun: o.dryRun, full });
    try {
      const periods = LEADERBOARD_PERIODS.filter((period) => o.periods.includes(period));
      const report = await sync(deps, { ...o, full, periods });
      await endSyncRun(pool, { id: o.runId, status: "done", report, error: null });
      return report;
    } catch (error) {
      const refused = isRefusal(error);
      const message = error instanceof Error ? error.message : String(error);
      const end = { id: o.runId, status: refused ? ("refused" as const) : ("failed" as const), report: null };
      await endSyncRun(pool, { ...end, error: message }).catch(() => undefined);
      throw error;
    }
  });
}

/** Whether the sync did not run because it would have done harm. */
export const isRefusal = (error: unknown) =>
  error instanceof BoardsLostError || error instanceof BoardsBehindError || error instanceof MassDeleteRefusedError;

async function sync(deps: SyncDeps, o: SyncOptions): Promise<SyncReport> {
  const startedAtMs = performance.now();
  const { stores } = deps;
  const { current, ended } = await findBoards(deps, o);
  await checkEpoch(stores, [...current, ...ended], o);
  if (!o.force) await checkMoves(deps);
  // Before anything is read: what is given meanwhile may be missing in the rows.
  const given = await readPointsGiven(stores.redis, stores.names);
  const report = emptyReport(o);
  if (!o.dryRun) await rememberBoards(stores.pool, [...current, ...ended]);
  // The current turns together, because of the users in total; each ended one by itself.
  await syncBoards(deps, o, { boards: current, full: o.full }, report);
  await syncEnded(deps, o, ended, report);
  if (o.full && o.periods.length === LEADERBOARD_PERIODS.length && !o.dryRun) await markFullSync(stores.pool);
  if (!o.dryRun) await markMovesSynced(stores.pool, given);
  report.duration_ms = Math.round(performance.now() - startedAtMs);
  return report;
}

/** Boards that lack what PostgreSQL was synced with went back in time; syncing them would lower its rows. */
async function checkMoves({ stores, pointsWaitMs }: SyncDeps): Promise<void> {
  const { syncedUntil } = await readPointProgress(stores.pool);
  if (!(await areSyncedMovesGiven(stores, syncedUntil, pointsWaitMs ?? POINTS_WAIT_MS))) throw new BoardsBehindError();
}

/** Each gets its last sync here, unless somebody on it could not be stored, or points may still come. */
async function syncEnded(deps: SyncDeps, o: SyncOptions, boards: readonly Board[], report: SyncReport): Promise<void> {
  if (boards.length === 0) return;
  const complete = await arePointsComplete(deps.stores, deps.pointsWaitMs ?? POINTS_WAIT_MS);
  for (const board of boards) {
    const isLast = complete && isOverOnEveryClock(board, { zone: deps.zone, nowMs: deps.nowMs() });
    const failed = await syncBoards(deps, o, { boards: [board], full: true }, report);
    if (!isLast || failed > 0) continue;
    if (!o.dryRun) await freeze(deps.stores, board);
    report.frozen.push(boardName(board));
  }
}

function emptyReport(o: SyncOptions): SyncReport {
  const by_period = Object.fromEntries(o.periods.map((period) => [period, noCounts()]));
  const facts = { run_id: o.runId, by_period, errors: [], frozen: [] };
  return { ...facts, ...noCounts(), duration_ms: 0, dry_run: o.dryRun, full: o.full };
}

/** The turn of each period that is now, and those before that have not had their last sync. */
async function findBoards(deps: SyncDeps, o: SyncOptions): Promise<{ current: Board[]; ended: Board[] }> {
  const { redis, names, pool } = deps.stores;
  const current = o.periods.map((period) => boardAt(period, deps.nowMs(), deps.zone));
  const isCurrent = new Set(current.map(boardName));
  const known = [...(await readOpenBoards(pool)), ...(await readBoards(redis, names))];
  const others = new Map(known.map((board) => [boardName(board), board]));
  const ended: Board[] = [];
  for (const [name, board] of others) {
    // A turn that lies ahead: some clock was wrong, and its time will come.
    const isOver = !isCurrent.has(name) && board.key < (current.find((c) => c.period === board.period)?.key ?? "");
    if (isOver && !(await isFrozen(pool, board))) ended.push(board);
  }
  return { current, ended };
}

/** Redis must be the one whose boards PostgreSQL has, or whatever is missing there would be taken for gone. */
async function checkEpoch(stores: Stores, boards: readonly Board[], o: SyncOptions): Promise<void> {
  const { redis, names, pool } = stores;
  const [{ boardsEpoch }, found] = [await readSyncState(pool), await readBoardsEpoch(redis, names)];
  if (boardsEpoch !== null && boardsEpoch === found) return;
  if (boardsEpoch !== null && !o.force) {
    const rows = await Promise.all(boards.map((board) => countEntries(pool, board)));
    const total = rows.reduce((sum, count) => sum + count, 0);
    if (total > 0) throw new BoardsLostError(total);
  }
  if (!o.dryRun) await writeBoardsEpoch(redis, names, await adoptBoardsEpoch(pool));
}

interface Work {
  boards: readonly Board[];
  full: boolean;
}

/** @returns how many users could not be stored */
async function syncBoards(deps: SyncDeps, o: SyncOptions, work: Work, report: SyncReport): Promise<number> {
  const { stores } = deps;
  const { redis, names, pool } = stores;
  const { boards } = work;
  if (!o.dryRun) await Promise.all(boards.map((board) => takeDirty(redis, names, board)));
  if (!o.dryRun && work.full) for (const board of boards) await recountEntries(pool, board);
  const rowsBefore = new Map<string, number>();
  for (const board of boards) rowsBefore.set(boardName(board), await countEntries(pool, board));
  const full = work.full || (await lacksUsers(stores, boards, rowsBefore));
  await guard(deps, o, { boards, full }, rowsBefore);

  const counter = new SyncCounter(report);
  const pages = full ? allUsers(stores, boards) : dirtyUsers(stores, boards, !o.dryRun);
  for await (const compared of comparePages(stores, boards, pages)) {
    const failures = o.dryRun ? [] : await writeChanges(pool, compared.changes, o.runId);
    await tryAgainNextTime(stores, failures);
    counter.add(compared, failures);
  }
  const sizes = await Promise.all(
    boards.map(async (board) => ({ board, size: await countBoard(redis, names, board) })),
  );
  counter.finish(sizes, full);
  if (!o.dryRun) await Promise.all(boards.map((board) => dropTaken(redis, names, board)));
  return counter.failedUsers;
}

/** The marks of who changed are dropped at the end of a run; theirs must stay. */
async function tryAgainNextTime({ redis, names }: Stores, failures: readonly FailedChange[]): Promise<void> {
  for (const { change } of failures) await markDirty(redis, names, change);
}

/** Rows of users that Redis does not have: somebody was taken off a board by hand, which marks nobody as changed. */
async function lacksUsers(
  { redis, names }: Stores,
  boards: readonly Board[],
  rows: ReadonlyMap<string, number>,
): Promise<boolean> {
  const counts = await Promise.all(boards.map((board) => countBoard(redis, names, board)));
  return boards.some((board, i) => (rows.get(boardName(board)) ?? 0) > (counts[i] ?? 0));
}

/** Before anything is written. */
async function guard(deps: SyncDeps, o: SyncOptions, work: Work, rows: ReadonlyMap<string, number>): Promise<void> {
  if (o.force) return;
  const deletes = new Map<string, number>();
  if (work.full) {
    for (const board of work.boards) deletes.set(boardName(board), await countMissing(deps.stores, board));
  } else {
    for await (const userIds of dirtyUsers(deps.stores, work.boards, !o.dryRun)) {
      const { changes } = await compareUsers(deps.stores, { boards: work.boards, userIds });
      for (const { board, points } of changes) {
        if (points === null) deletes.set(boardName(board), (deletes.get(boardName(board)) ?? 0) + 1);
      }
    }
  }
  for (const [board, count] of deletes) {
    const all = rows.get(board) ?? 0;
    if (count > deps.maxDeleteMin && count > all * deps.maxDeleteRatio) {
      throw new MassDeleteRefusedError(board, count, all);
    }
  }
}

async function freeze({ redis, names, pool }: Stores, board: Board): Promise<void> {
  await markFrozen(pool, board);
  await freezeBoard(redis, names, { board, keptMs: FROZEN_KEPT_MS });
}
