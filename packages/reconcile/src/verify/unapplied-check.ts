/**
 * Events that nobody applies. A shard's watermark must move while entries wait behind it. It stands still when no worker
 * runs, and when PostgreSQL was put back to an older copy and the workers do not read on from there. The stores agree at the
 * watermark all the same, so no other check tells.
 */
import { setTimeout as delay } from "node:timers/promises";
import { readShardProgress } from "@votesync/postgres-store";
import { readBacklog, readEvents } from "@votesync/redis-store";
import type { Stores } from "../stores.js";
import { addFindings, type Check, type CheckOptions, type UnappliedShard } from "./report.js";

const LOOK_AGAIN_MS = 500;

/** Each shard → its watermark, at the first look. */
type Watermarks = Map<number, string>;

export const unappliedCheck: Check = {
  name: "unapplied",
  async run(stores, report, o) {
    const startedAtMs = performance.now();
    const waiting = await findWaiting(stores, o.projectIds);
    await dropMoving(stores, waiting, startedAtMs, o);
    const elapsedMs = Math.round(performance.now() - startedAtMs);
    for (const [shard, afterId] of waiting) {
      const { entries, oldestMs } = await readBacklog(stores.redis, stores.names, { shard, afterId });
      if (oldestMs !== null) addFindings(report, "unapplied", [toFinding(shard, entries, oldestMs, elapsedMs)]);
    }
  },
};

/** Shards with entries behind the watermark. */
async function findWaiting({ redis, names, pool }: Stores, projectIds?: readonly string[]): Promise<Watermarks> {
  const asked = new Set(projectIds?.map((id) => names.shardOf(id)) ?? names.allShards());
  const waiting: Watermarks = new Map();
  for (const [shard, lastId] of await readShardProgress(pool)) {
    if (!asked.has(shard)) continue;
    const next = await readEvents(redis, names, { shard, afterId: lastId, count: 1 });
    if (next.length > 0) waiting.set(shard, lastId);
  }
  return waiting;
}

/** Looks again until every watermark has moved, or the patience ends. */
async function dropMoving(stores: Stores, waiting: Watermarks, startedAtMs: number, o: CheckOptions): Promise<void> {
  const giveUpAtMs = startedAtMs + o.patienceMs;
  while (waiting.size > 0 && performance.now() < giveUpAtMs) {
    await delay(Math.min(LOOK_AGAIN_MS, giveUpAtMs - performance.now()), undefined, { signal: o.signal });
    const progress = await readShardProgress(stores.pool);
    for (const [shard, lastId] of waiting) if (progress.get(shard) !== lastId) waiting.delete(shard);
  }
}

const toFinding = (shard: number, entries: number, oldestMs: number, elapsedMs: number): UnappliedShard => ({
  shard,
  entries,
  waiting_since: new Date(oldestMs).toISOString(),
  not_applied_for_ms: elapsedMs,
});
