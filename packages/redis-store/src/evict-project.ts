/** Projects that nobody votes on any more leave Redis; the next vote loads them again. See `evict-project.lua`. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

export type EvictionOutcome = "evicted" | "gone" | "held" | "waiting" | "busy" | "behind" | "unchecked";

/** A project that could not leave is looked at again after so long. */
const LOOK_AGAIN_US = 300_000_000;

/** Projects of a shard that were loaded, or last seen in use, before that; oldest first. */
export function findLoadedBefore(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; beforeUs: number; limit: number },
): Promise<string[]> {
  return client.zrange(names.loaded(o.shard), "-inf", String(o.beforeUs), "BYSCORE", "LIMIT", 0, o.limit);
}

/**
 * @param o.lastId up to where the shard is applied
 * @param o.idleSinceUs a project that changed later stays
 * @param o.isWaiting votes of it are parked or not recovered: it stays
 */
export async function evictProject(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; lastId: string; idleSinceUs: number; isWaiting?: boolean },
): Promise<EvictionOutcome> {
  const shard = names.shardOf(o.projectId);
  const keys = [
    names.project(o.projectId),
    names.votesOfPeriods(o.projectId),
    names.loaded(shard),
    names.changed(shard),
    names.reload(shard),
  ];
  const args = [o.projectId, o.lastId, o.idleSinceUs, o.isWaiting === true ? 1 : "", LOOK_AGAIN_US];
  return (await callScript(client, "evict-project", keys, args)) as EvictionOutcome;
}
