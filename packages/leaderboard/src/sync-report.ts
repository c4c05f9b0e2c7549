import type { LeaderboardPeriod } from "@votesync/core";

export interface SyncCounts {
  created: number;
  updated: number;
  deleted: number;
  unchanged: number;
}

/** One user who could not be stored; everybody else was. */
export interface SyncError {
  user_id: string;
  error: string;
}

/** What a run did, or would do: users in total, rows by period. */
export interface SyncReport extends SyncCounts {
  run_id: string;
  by_period: Partial<Record<LeaderboardPeriod, SyncCounts>>;
  errors: SyncError[];
  duration_ms: number;
  dry_run: boolean;
  full: boolean;
  /** Boards that had their last sync in this run. */
  frozen: string[];
}

export const noCounts = (): SyncCounts => ({ created: 0, updated: 0, deleted: 0, unchanged: 0 });
