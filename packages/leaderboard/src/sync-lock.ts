import { ADVISORY_LOCKS } from "@votesync/core";
import { findRunningSync, tryAdvisoryLock } from "@votesync/postgres-store";
import type pg from "pg";
import { SyncRunningError } from "./sync-errors.js";

/** One at a time over all replicas; the lock of a process that dies is free at once. @throws {SyncRunningError} */
export async function withSyncLock<T extends object>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  const result = await tryAdvisoryLock(pool, ADVISORY_LOCKS.leaderboardSync, 0, work);
  if (result !== null) return result;
  throw new SyncRunningError((await findRunningSync(pool))?.id ?? null);
}
