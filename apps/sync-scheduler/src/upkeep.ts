/**
 * What tables need now and then: partitions for the months to come, an audit log no longer than wanted, and no rows that have
 * had their day. One replica at a time.
 */
import { ADVISORY_LOCKS } from "@votesync/core";
import {
  deleteOldMoves,
  deleteStaleRows,
  dropOldEvents,
  ensureEventPartitions,
  removeOldSyncData,
  tryAdvisoryLock,
} from "@votesync/postgres-store";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import type pg from "pg";

const IDLE_MS = 3_600_000;

export interface UpkeepDeps {
  pool: pg.Pool;
  shards: readonly number[];
  /** 0: for ever. */
  auditRetentionDays: number;
  now: () => Date;
  log: Logger;
}

export async function keepUp({ pool, shards, auditRetentionDays, now, log }: UpkeepDeps): Promise<void> {
  await tryAdvisoryLock(pool, ADVISORY_LOCKS.upkeep, 0, async () => {
    await ensureEventPartitions(pool, now());
    const dropped = auditRetentionDays === 0 ? [] : await dropOldEvents(pool, now(), auditRetentionDays);
    const outbox = await deleteStaleRows(pool, "outbox");
    await deleteStaleRows(pool, "idempotency_keys");
    await deleteOldMoves(pool, shards);
    await removeOldSyncData(pool);
    const notifications = await deleteStaleRows(pool, "notifications");
    if (dropped.length + outbox + notifications > 0) log.info({ dropped, outbox, notifications }, "old rows are gone");
  });
}

export function createUpkeep(deps: UpkeepDeps): Service {
  const runOnce = async () => {
    await keepUp(deps);
    return false;
  };
  return createLoop({ name: "upkeep", runOnce, idleMs: IDLE_MS, log: deps.log });
}
