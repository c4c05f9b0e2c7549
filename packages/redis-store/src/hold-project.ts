/**
 * Holding a project makes everybody read it anew: after votes that went past Redis, after a repair, after Redis lost data.
 * Its contract stands at the head of `hold-project.lua`. Whoever votes on it next loads it, as does whoever held it.
 */
import type { ReconcileReason, RedisNames } from "@votesync/core";
import { v4 as uuidv4 } from "uuid";
import type { RedisClient } from "./connection.js";
import { unlessDamaged } from "./reply-errors.js";
import { callScript } from "./scripts.js";

/** What a load of a project that is not usable now must respect; also the answer `absent` of a cast. */
export interface ProjectHold {
  /** Empty when the project is not in Redis at all. */
  held: string;
  /** The rows must be read after this event was applied. */
  lastEventId: string;
  /** When that was said, µs of Redis's clock. */
  nowUs: number;
}

/**
 * A project whose key is damaged is held all the same: what is there is dropped, and its rows must be read after all events that
 * the shard has now.
 *
 * @param o.forgetCounts readers shall take PostgreSQL's counters until it is loaded
 */
export async function holdProject(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; reason: ReconcileReason; forgetCounts?: boolean },
): Promise<ProjectHold> {
  const held = uuidv4();
  const shard = names.shardOf(o.projectId);
  const keys = [names.project(o.projectId), names.loaded(shard)];
  const args = [o.projectId, held, o.reason, o.forgetCounts === true ? 1 : 0];
  const reply =
    (await unlessDamaged(callScript(client, "hold-project", keys, args))) ??
    (await callScript(client, "hold-damaged", [...keys, names.events(shard)], args.slice(0, 3)));
  const [lastEventId, now] = reply as [string, string];
  return { held, lastEventId, nowUs: Number(now) };
}

/** Whether nobody may vote on it before somebody has loaded it. */
export async function isHeld(client: RedisClient, names: RedisNames, projectId: string): Promise<boolean> {
  return (await client.hexists(names.project(projectId), "held")) === 1;
}
