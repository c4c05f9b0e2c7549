/**
 * Whether a turn that is over has all of its points: no clock still takes votes for it, every vote that was taken is a row or
 * given up, and every move of the ledger was given. A turn that is frozen before that loses what comes late.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Board, boardSpan, compareStreamIds } from "@votesync/core";
import { hasParkedEvents, readLastMoves, readShardProgress } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { readPointsGiven, readStreamEnd } from "@votesync/redis-store";

/** Further apart than the clocks of two servers. */
const CLOCKS_APART_MS = 60_000;
const POLL_MS = 50;

export function isOverOnEveryClock(board: Board, o: { zone: string; nowMs: number }): boolean {
  return o.nowMs - boardSpan(board, o.zone).to.getTime() >= CLOCKS_APART_MS;
}

/** Waits for whoever applies events and gives points. @returns `false` when they did not come so far in time */
export async function arePointsComplete(stores: Stores, waitMs: number): Promise<boolean> {
  const { redis, names, pool } = stores;
  const shards = names.allShards();
  const ends = await Promise.all(shards.map((shard) => readStreamEnd(redis, names, shard)));
  const isApplied = async () => {
    const progress = await readShardProgress(pool);
    return shards.every((shard, i) => compareStreamIds(progress.get(shard) ?? "0-0", ends[i] ?? "0-0") >= 0);
  };
  for (const giveUpAtMs = performance.now() + waitMs; ; await delay(POLL_MS)) {
    if ((await isApplied()) && !(await hasParkedEvents(pool)) && (await areMovesGiven(stores))) return true;
    if (performance.now() >= giveUpAtMs) return false;
  }
}

/** Whether Redis has given every move that there is now. */
async function areMovesGiven({ redis, names, pool }: Stores): Promise<boolean> {
  const last = await readLastMoves(pool);
  const given = await readPointsGiven(redis, names);
  return [...last].every(([shard, { id }]) => (given.get(shard)?.id ?? 0) >= id);
}

/**
 * Waits until Redis has given all that PostgreSQL was synced with: with less, it went back in time, and gives the rest again.
 * @returns `false` when it did not come so far in time
 */
export async function areSyncedMovesGiven(
  { redis, names }: Stores,
  syncedUntil: ReadonlyMap<number, number>,
  waitMs: number,
) {
  for (const giveUpAtMs = performance.now() + waitMs; ; await delay(POLL_MS)) {
    const given = await readPointsGiven(redis, names);
    if ([...syncedUntil].every(([shard, id]) => (given.get(shard)?.id ?? 0) >= id)) return true;
    if (performance.now() >= giveUpAtMs) return false;
  }
}
