/**
 * Takes projects that went quiet out of Redis, so that its memory holds what is being voted on and not all there ever was.
 * Only what PostgreSQL knows entirely may go: everything brought over and applied, compared, nothing parked or waiting for recovery. The next
 * vote loads it again.
 */
import { readShardEpoch } from "@votesync/postgres-store";
import { evictProject, findLoadedBefore, LOAD_DEADLINE_US } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/** A load may take that long and still count; nothing younger may be dropped, or old rows could come after it. */
export const MIN_IDLE_MS = (LOAD_DEADLINE_US / 1_000) * 6;

/**
 * At most `limit` projects of a shard that nobody has voted on for `idleMs`. Those that must stay are looked at again some
 * minutes later, so the next call gets others.
 * @returns how many were looked at, and how many are gone
 */
export async function evictColdProjects(
  stores: Stores,
  o: { shard: number; idleMs: number; limit: number },
): Promise<{ looked: number; evicted: number }> {
  const { redis, names, pool } = stores;
  const [seconds] = await redis.time();
  const idleSinceUs = (Number(seconds) * 1_000 - Math.max(o.idleMs, MIN_IDLE_MS)) * 1_000;
  const candidates = await findLoadedBefore(redis, names, { shard: o.shard, beforeUs: idleSinceUs, limit: o.limit });
  if (candidates.length === 0) return { looked: 0, evicted: 0 };
  const { lastId, isIncomplete } = await readShardEpoch(pool, o.shard);
  const waiting = await findWaiting(stores, candidates);
  const outcomes = await Promise.all(
    candidates.map((projectId) =>
      evictProject(redis, names, { projectId, lastId, idleSinceUs, isWaiting: isIncomplete || waiting.has(projectId) }),
    ),
  );
  return { looked: candidates.length, evicted: outcomes.filter((outcome) => outcome === "evicted").length };
}

/** Projects with votes that are not where they belong yet. */
async function findWaiting({ pool }: Stores, projectIds: string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ project_id: string }>(
    `SELECT project_id FROM parked_events WHERE project_id = ANY($1)
      UNION
     SELECT project_id FROM outbox WHERE project_id = ANY($1) AND recovered_at IS NULL`,
    [projectIds],
  );
  return new Set(rows.map(({ project_id }) => project_id));
}
