/** Runs of the leaderboard sync: what each did, and the state that is one for all replicas. */
import { ADVISORY_LOCKS } from "@votesync/core";
import type pg from "pg";

export type SyncTrigger = "schedule" | "manual" | "restore" | "undo";
export type SyncStatus = "running" | "done" | "failed" | "refused" | "interrupted";

export interface SyncRunRow {
  id: string;
  startedAt: Date;
  finishedAt: Date | null;
  trigger: SyncTrigger;
  status: SyncStatus;
  dryRun: boolean;
  full: boolean;
  report: unknown;
  error: string | null;
}

interface Row {
  id: string;
  started_at: Date;
  finished_at: Date | null;
  trigger: SyncTrigger;
  status: SyncStatus;
  dry_run: boolean;
  full_sync: boolean;
  report: unknown;
  error: string | null;
}

const toRun = (row: Row): SyncRunRow => ({
  id: row.id,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  trigger: row.trigger,
  status: row.status,
  dryRun: row.dry_run,
  full: row.full_sync,
  report: row.report,
  error: row.error,
});

/** Begins a run. The caller holds the lock, so one that still says `running` died. */
export async function beginSyncRun(
  pool: pg.Pool,
  run: { id: string; trigger: SyncTrigger; dryRun: boolean; full: boolean },
): Promise<void> {
  await pool.query(
    `WITH dead AS (
       UPDATE sync_runs SET status = 'interrupted', finished_at = now() WHERE status = 'running' AND id <> $1
     )
     INSERT INTO sync_runs (id, trigger, dry_run, full_sync) VALUES ($1, $2, $3, $4)`,
    [run.id, run.trigger, run.dryRun, run.full],
  );
}

export async function endSyncRun(
  pool: pg.Pool,
  run: { id: string; status: SyncStatus; report: unknown; error: string | null },
): Promise<void> {
  await pool.query("UPDATE sync_runs SET status = $2, report = $3, error = $4, finished_at = now() WHERE id = $1", [
    run.id,
    run.status,
    run.report === null ? null : JSON.stringify(run.report),
    run.error,
  ]);
}

export async function findSyncRun(pool: pg.Pool, id: string): Promise<SyncRunRow | null> {
  const { rows } = await pool.query<Row>("SELECT * FROM sync_runs WHERE id = $1", [id]);
  return rows[0] === undefined ? null : toRun(rows[0]);
}

/** Newest first. */
export async function listSyncRuns(pool: pg.Pool, limit: number): Promise<SyncRunRow[]> {
  const { rows } = await pool.query<Row>("SELECT * FROM sync_runs ORDER BY started_at DESC, id LIMIT $1", [limit]);
  return rows.map(toRun);
}

/** The run that is under way. One that says so and died is none: nobody holds the lock (of two numbers, hence `objsubid`). */
export async function findRunningSync(pool: pg.Pool): Promise<SyncRunRow | null> {
  const { rows } = await pool.query<Row>(
    `SELECT * FROM sync_runs
      WHERE status = 'running'
        AND EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                     WHERE l.locktype = 'advisory' AND l.classid::bigint = $1 AND l.objid::bigint = 0 AND l.objsubid = 2
                       AND l.granted AND d.datname = current_database())
      ORDER BY started_at DESC LIMIT 1`,
    [ADVISORY_LOCKS.leaderboardSync],
  );
  return rows[0] === undefined ? null : toRun(rows[0]);
}

export interface SyncState {
  enabled: boolean;
  nextRunAt: Date | null;
  lastFullAt: Date | null;
  boardsEpoch: string | null;
}

export async function readSyncState(pool: pg.Pool): Promise<SyncState> {
  const { rows } = await pool.query<{
    enabled: boolean;
    next_run_at: Date | null;
    last_full_at: Date | null;
    boards_epoch: string | null;
  }>("SELECT * FROM sync_state");
  const row = rows[0];
  if (row === undefined) throw new Error("sync_state has no row");
  return {
    enabled: row.enabled,
    nextRunAt: row.next_run_at,
    lastFullAt: row.last_full_at,
    boardsEpoch: row.boards_epoch,
  };
}

export async function setSyncEnabled(pool: pg.Pool, enabled: boolean): Promise<void> {
  await pool.query("UPDATE sync_state SET enabled = $1", [enabled]);
}

export async function setNextRun(pool: pg.Pool, at: Date): Promise<void> {
  await pool.query("UPDATE sync_state SET next_run_at = $1", [at]);
}

/** Takes the run that is due, and says when the next one is. @returns `false` when somebody else took it, or none is due */
export async function takeDueRun(pool: pg.Pool, o: { now: Date; next: Date }): Promise<boolean> {
  const { rowCount } = await pool.query("UPDATE sync_state SET next_run_at = $2 WHERE enabled AND next_run_at <= $1", [
    o.now,
    o.next,
  ]);
  return rowCount === 1;
}

/**
 * Boards are counted anew: who changed is not known, so the next run must look at everybody. What an earlier run has seen of the
 * ledger of points says nothing about them: after PostgreSQL went back in time that may be moves it never made.
 */
export async function requireFullSync(pool: pg.Pool): Promise<void> {
  await pool.query("UPDATE sync_state SET last_full_at = NULL");
  await pool.query("UPDATE point_progress SET synced_until = 0");
}

export async function markFullSync(pool: pg.Pool): Promise<void> {
  await pool.query("UPDATE sync_state SET last_full_at = now()");
}

/** @returns the epoch that stands: an earlier one is not replaced */
export async function adoptBoardsEpoch(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ epoch: string }>(
    "UPDATE sync_state SET boards_epoch = coalesce(boards_epoch, gen_random_uuid()) RETURNING boards_epoch AS epoch",
  );
  return (rows[0] as { epoch: string }).epoch;
}

const KEPT = "interval '7 days'";

/** Rows that runs kept aside, old runs, and points given by hand, once their time is up. */
export async function removeOldSyncData(pool: pg.Pool): Promise<void> {
  await pool.query(
    `DELETE FROM sync_backups WHERE run_id IN (SELECT id FROM sync_runs WHERE started_at < now() - ${KEPT})`,
  );
  await pool.query("DELETE FROM sync_runs WHERE started_at < now() - interval '90 days'");
  // Older than any board that can still be counted anew.
  await pool.query("DELETE FROM score_events WHERE given_at < now() - interval '400 days'");
}

export interface SyncBackupRow {
  period: string;
  key: string;
  userId: string;
  points: number | null;
}

/** What a run changed, as it was before, page by page. */
export async function* syncBackupPages(
  pool: pg.Pool,
  runId: string,
  pageSize: number,
): AsyncGenerator<SyncBackupRow[]> {
  for (let after = ["", "", ""]; ; ) {
    const { rows } = await pool.query<{ period: string; key: string; user_id: string; points: number | null }>(
      `SELECT period, key, user_id, points FROM sync_backups
        WHERE run_id = $1 AND (period, key, user_id) > ($2, $3, $4)
        ORDER BY period, key, user_id LIMIT $5`,
      [runId, ...after, pageSize],
    );
    if (rows.length > 0) yield rows.map(({ user_id: userId, ...row }) => ({ ...row, userId }));
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = [last.period, last.key, last.user_id];
  }
}
