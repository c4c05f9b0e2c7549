/**
 * The projects of a shard that are held, so that any replica can load those whose holder did not: it died, or the shard was
 * behind. A hold writes its project there in the same step; only one that is not held any more leaves the list.
 */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

/** Longer than a replica works on what it takes at once. After that other replicas take it too, which does no harm. */
const TAKEN_US = 10_000_000;
const RETRY_US = 1_000_000;

export interface TakenReloads {
  projectIds: string[];
  /** When they were taken, µs of Redis's clock. */
  nowUs: number;
}

/** At most `limit` projects that are due. Nobody else gets them for a while. */
export async function takeReloads(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; limit: number },
): Promise<TakenReloads> {
  const reply = await callScript(client, "take-reloads", [names.reload(o.shard)], [o.limit, TAKEN_US]);
  const [now, ...projectIds] = reply as [string, ...string[]];
  return { projectIds, nowUs: Number(now) };
}

/**
 * To be called after a load. See `finish-reload.lua`.
 * @param o.missing the hold with which PostgreSQL was asked, when it has no such project
 */
export async function finishReload(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; missing?: string },
): Promise<"loaded" | "held" | "gone"> {
  const shard = names.shardOf(o.projectId);
  const keys = [
    names.project(o.projectId),
    names.votesOfPeriods(o.projectId),
    names.loaded(shard),
    names.reload(shard),
  ];
  const outcome = await callScript(client, "finish-reload", keys, [o.projectId, o.missing ?? "", RETRY_US]);
  return outcome as "loaded" | "held" | "gone";
}
