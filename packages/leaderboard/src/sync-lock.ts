import { setTimeout as delay } from "node:timers/promises";
import { ADVISORY_LOCKS } from "@votesync/core";
import { findRunningSync, tryAdvisoryLock } from "@votesync/postgres-store";
import type pg from "pg";
import { SyncRunningError } from "./sync-errors.js";

const POLL_MS = 50;
/** Longer than a run needs to say who it is, once it has the lock. */
const TRIES = 20;

/** One at a time over all replicas; the lock of a process that dies is free at once. @throws {SyncRunningError} */
export async function withSyncLock<T extends object>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  for (let i = 0; i < TRIES; i++) {
    const result = await tryAdvisoryLock(pool, ADVISORY_LOCKS.leaderboardSync, 0, work);
    if (result !== null) return result;
    const running = await findRunningSync(pool);
    if (running !== null) throw new SyncRunningError(running.id);
    // It has just begun, or has just ended.
    await delay(POLL_MS);
  }
  throw new SyncRunningError(null);
}
