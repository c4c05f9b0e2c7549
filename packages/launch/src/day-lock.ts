/**
 * One at a time at a day's records. The lock is PostgreSQL's and goes with its connection, so nobody who died keeps it; waiting
 * for it has an end.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ADVISORY_LOCKS } from "@votesync/core";
import { tryAdvisoryLock } from "@votesync/postgres-store";
import type pg from "pg";
import { DayLockedError } from "./repair-errors.js";

const WAIT_MS = 5_000;
const POLL_MS = 100;

/** @throws {DayLockedError} */
export async function withDayLock<T extends object>(pool: pg.Pool, date: string, work: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + WAIT_MS;
  for (;;) {
    const result = await tryAdvisoryLock(pool, ADVISORY_LOCKS.launchDay, dayNumber(date), work);
    if (result !== null) return result;
    if (performance.now() >= giveUpAtMs) throw new DayLockedError(date);
    await delay(POLL_MS);
  }
}

const dayNumber = (date: string) => Number(date.replaceAll("-", ""));
