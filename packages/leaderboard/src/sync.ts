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
  type EntryChange,
  endSyncRun,
  isFrozen,
  markFrozen,
  markFullSync,
  readOpenBoards,
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
  readBoards,
  readBoardsEpoch,
  takeDirty,
  writeBoardsEpoch,
} from "@votesync/redis-store";
import { compareUsers } from "./compare-users.js";
import { BoardsLostError, MassDeleteRefusedError } from "./sync-errors.js";
import { withSyncLock } from "./sync-lock.js";
import { allUsers, countMissing, dirtyUsers } from "./sync-pages.js";
import { noCounts, type SyncReport } from "./sync-report.js";
import { writeChanges } from "./write-changes.js";

/** Ended boards leave Redis after a while; nobody asks for them there. */
const FROZEN_KEPT_MS = 8 * 86_400_000;

export interface SyncDeps {
  stores: Stores;
  zone: string;
  /** A run that would delete more than this share of a board's rows, and more than `maxDeleteMin` of them, stops. */
  maxDeleteRatio: number;
  maxDeleteMin: number;
  nowMs: () => number;
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

/** @throws {SyncRunningError} {BoardsLostError} {MassDeleteRefusedError}: nothing was written */
export async function runSync(deps: SyncDeps, o: SyncOptions): Promise<SyncReport> {
  const { pool } = deps.stores;
  return withSyncLock(pool, async () => {
    const { lastFullAt } = await readSyncState(pool);
    // Before the first one, and after the boards were counted anew, nobody knows who changed.
    const full = o.full || lastFullAt === null;
    await beginSyncRun(pool, { id: o.runId, trigger: o.trigger, dryRun: o.dryRun, full });
    try {
      const report = await sync(deps, { ...o, full });
      await endSyncRun(pool, { id: o.runId, status: "done", report, error: null });
      return report;
    } catch (error) {
      const refused = error instanceof BoardsLostError || error instanceof MassDeleteRefusedError;
      const message = error instanceof Error ? error.message : String(error);
      const end = { id: o.runId, status: refused ? ("refused" as const) : ("failed" as const), report: null };
      await endSyncRun(pool, { ...end, error: message }).catch(() => undefined);
      throw error;
    }
  });
}

async function sync(deps: SyncDeps, o: SyncOptions): Promise<SyncReport> {
  const startedAtMs = performance.now();
  const { stores } = deps;
  const { current, ended } = await findBoards(deps, o);
  await checkEpoch(stores, [...current, ...ended], o);
  const report = emptyReport(o);
  if (!o.dryRun) await rememberBoards(stores.pool, [...current, ...ended]);
  // The current turns together, because of the users in total; each ended one by itself.
  await syncBoards(deps, o, { boards: current, full: o.full }, report);
  for (const board of ended) {
    await syncBoards(deps, o, { boards: [board], full: true }, report);
    if (!o.dryRun && report.errors.length === 0) await freeze(stores, board);
    report.frozen.push(boardName(board));
  }
  const isWhole = LEADERBOARD_PERIODS.every((period) => o.periods.includes(period));
  if (o.full && isWhole && !o.dryRun) await markFullSync(stores.pool);
  report.duration_ms = Math.round(performance.now() - startedAtMs);
  return report;
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

async function syncBoards(deps: SyncDeps, o: SyncOptions, work: Work, report: SyncReport): Promise<void> {
  const { redis, names, pool } = deps.stores;
  const { boards } = work;
  if (boards.length === 0) return;
  if (!o.dryRun) await Promise.all(boards.map((board) => takeDirty(redis, names, board)));
  if (!o.dryRun && work.full) for (const board of boards) await recountEntries(pool, board);
  const rowsBefore = new Map<string, number>();
  for (const board of boards) rowsBefore.set(boardName(board), await countEntries(pool, board));
  const full = work.full || (await lacksUsers(deps.stores, boards, rowsBefore));
  await guard(deps, o, { boards, full }, rowsBefore);

  const users = full ? allUsers(deps.stores, boards) : dirtyUsers(deps.stores, boards, !o.dryRun);
  const totals = noCounts();
  const kept = new Map<string, number>();
  for await (const userIds of users) {
    const compared = await compareUsers(deps.stores, { boards, userIds });
    const errors = o.dryRun ? [] : await writeChanges(pool, compared.changes, o.runId);
    const failed = new Set(errors.map(({ user_id }) => user_id));
    report.errors.push(...errors);
    countRows(
      report,
      compared.changes.filter(({ userId }) => !failed.has(userId)),
    );
    for (const fate of ["created", "updated", "deleted", "unchanged"] as const) totals[fate] += compared[fate];
    for (const [name, count] of compared.unchangedRows) kept.set(name, (kept.get(name) ?? 0) + count);
  }
  await countUnchanged(deps.stores, { boards, full }, { report, totals, kept });
  if (!o.dryRun) await Promise.all(boards.map((board) => dropTaken(redis, names, board)));
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

function countRows(report: SyncReport, changes: readonly EntryChange[]): void {
  for (const { board, points, before } of changes) {
    const counts = report.by_period[board.period];
    if (counts === undefined) continue;
    if (before === null) counts.created++;
    else if (points === null) counts.deleted++;
    else counts.updated++;
  }
}

/**
 * Full, everybody was counted. Incremental, those who were not looked at are those on the boards who did not change: of rows
 * that is exact; of users it is what the largest board says.
 */
async function countUnchanged(
  { redis, names }: Stores,
  { boards, full }: Work,
  { report, totals, kept }: { report: SyncReport; totals: ReturnType<typeof noCounts>; kept: Map<string, number> },
): Promise<void> {
  let largest = 0;
  for (const board of boards) {
    const size = await countBoard(redis, names, board);
    largest = Math.max(largest, size);
    const counts = report.by_period[board.period];
    if (counts === undefined) continue;
    const untouched = Math.max(0, size - counts.created - counts.updated);
    counts.unchanged += full ? (kept.get(boardName(board)) ?? 0) : untouched;
  }
  report.created += totals.created;
  report.updated += totals.updated;
  report.deleted += totals.deleted;
  report.unchanged += full ? totals.unchanged : Math.max(0, largest - totals.created - totals.updated);
}

async function freeze({ redis, names, pool }: Stores, board: Board): Promise<void> {
  await markFrozen(pool, board);
  await freezeBoard(redis, names, { board, keptMs: FROZEN_KEPT_MS });
}
