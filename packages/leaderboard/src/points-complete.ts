/**
 * Whether a turn that is over has all of its points: no clock still takes votes for it, every vote that was taken is an event or
 * given up, and every event was read. A turn that is frozen before that loses what comes late.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Board, boardSpan, compareStreamIds } from "@votesync/core";
import { votesSettled } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { readPointsCursor, readStreamEnd } from "@votesync/redis-store";

/** Further apart than the clocks of two servers. */
const CLOCKS_APART_MS = 60_000;
const POLL_MS = 50;

export function isOverOnEveryClock(board: Board, o: { zone: string; nowMs: number }): boolean {
  return o.nowMs - boardSpan(board, o.zone).to.getTime() >= CLOCKS_APART_MS;
}

/** Waits for who reads the events; they may be some behind. @returns `false` when they did not come so far in time */
export async function arePointsComplete(stores: Stores, waitMs: number): Promise<boolean> {
  const { redis, names, pool } = stores;
  // First: what is recovered or withdrawn later appends an event behind the ends read here.
  if (!(await votesSettled(pool)).settled) return false;
  const shards = names.allShards();
  const ends = await Promise.all(shards.map((shard) => readStreamEnd(redis, names, shard)));
  for (const giveUpAtMs = performance.now() + waitMs; ; await delay(POLL_MS)) {
    const read = await Promise.all(shards.map((shard) => readPointsCursor(redis, names, shard)));
    if (read.every((id, i) => compareStreamIds(id, ends[i] ?? id) >= 0)) return true;
    if (performance.now() >= giveUpAtMs) return false;
  }
}
