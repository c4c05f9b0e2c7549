/** Projects that nobody votes on any more leave Redis; the next vote loads them again. See `evict-project.lua`. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

export type EvictionOutcome = "evicted" | "gone" | "held" | "busy" | "behind" | "unchecked";

/** Projects of a shard that were loaded, or last seen in use, before that; oldest first. */
export function findLoadedBefore(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; beforeUs: number; limit: number },
): Promise<string[]> {
  return client.zrange(names.loaded(o.shard), "-inf", String(o.beforeUs), "BYSCORE", "LIMIT", 0, o.limit);
}

/** @param o.lastId up to where the shard is applied  @param o.idleSinceUs a project that changed later stays */
export async function evictProject(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; lastId: string; idleSinceUs: number },
): Promise<EvictionOutcome> {
  const shard = names.shardOf(o.projectId);
  const keys = [
    names.project(o.projectId),
    names.votesOfPeriods(o.projectId),
    names.loaded(shard),
    names.changed(shard),
  ];
  return (await callScript(client, "evict-project", keys, [o.projectId, o.lastId, o.idleSinceUs])) as EvictionOutcome;
}
