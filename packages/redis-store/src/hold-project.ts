/**
 * Holding a project makes everybody read it anew: after votes that went past Redis, after a repair, after Redis lost data.
 * Its contract stands at the head of `hold-projects.lua`. Whoever votes on it next loads it, as does whoever held it, or any
 * replica that finds it on the list (`reload-list.ts`).
 */
import type { ReconcileReason, RedisNames } from "@votesync/core";
import { v4 as uuidv4 } from "uuid";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";
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
 * The newest marks of a project in PostgreSQL that say that Redis lacks something. Both numbers only grow per project, in
 * the order in which transactions commit: each writer locks the project's or the shard's row first.
 */
export interface HoldMarks {
  /** Version of its newest vote of the fallback, 0 without one. */
  voteVersion: number;
  /** Id of its newest pending reload, 0 without one. */
  reloadId: number;
}

/** Whoever holds a project has so long to load it before other replicas do. Many times what a load takes when all is well. */
const HOLDER_LOADS_US = 1_000_000;

export interface HoldRequest {
  projectId: string;
  /** Why it is held: an earlier hold that covers them is kept. Without them every earlier hold is replaced. */
  marks?: HoldMarks;
}

/** So many projects take Redis about 5 ms, in which it does nothing else. */
export const MAX_HOLDS_AT_ONCE = 500;

/**
 * @param o.projects of one shard, at most `MAX_HOLDS_AT_ONCE`
 * @param o.forgetCounts readers shall take PostgreSQL's counters until they are loaded
 * @returns their holds, in the order of the projects
 */
export async function holdProjects(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; projects: readonly HoldRequest[]; reason: ReconcileReason; forgetCounts?: boolean },
): Promise<ProjectHold[]> {
  if (o.projects.length > MAX_HOLDS_AT_ONCE) throw new RangeError(`more than ${MAX_HOLDS_AT_ONCE} projects at once`);
  const keys = [names.projectsOfShard(o.shard), names.loaded(o.shard), names.reload(o.shard)];
  const requests = o.projects.flatMap(({ projectId, marks }) => [
    projectId,
    uuidv4(),
    marks?.voteVersion ?? "",
    marks?.reloadId ?? "",
  ]);
  const args = [o.reason, o.forgetCounts === true ? 1 : 0, HOLDER_LOADS_US, ...requests];
  const [now, ...reply] = (await callScript(client, "hold-projects", keys, args)) as [string, ...string[]];
  return o.projects.map((_, i) => ({
    held: reply[2 * i + 1] as string,
    lastEventId: reply[2 * i] as string,
    nowUs: Number(now),
  }));
}

/**
 * One project. One whose key is damaged is held all the same: what is there is dropped, and its rows must be read after all events
 * that the shard has now. See `holdProjects`.
 */
export async function holdProject(
  client: RedisClient,
  names: RedisNames,
  o: HoldRequest & { reason: ReconcileReason; forgetCounts?: boolean },
): Promise<ProjectHold> {
  const shard = names.shardOf(o.projectId);
  const [hold] = (await unlessDamaged(holdProjects(client, names, { ...o, shard, projects: [o] }))) ?? [
    await holdDamaged(client, names, { ...o, shard }),
  ];
  return hold as ProjectHold;
}

async function holdDamaged(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; shard: number; reason: ReconcileReason },
): Promise<ProjectHold> {
  const held = uuidv4();
  const keys = [names.project(o.projectId), names.loaded(o.shard), names.events(o.shard), names.reload(o.shard)];
  const args = [o.projectId, held, o.reason, HOLDER_LOADS_US];
  const [lastEventId, now] = (await callScript(client, "hold-damaged", keys, args)) as [string, string];
  return { held, lastEventId, nowUs: Number(now) };
}

/**
 * Whether Redis knows what these marks stand for, or nobody votes on the project before it does: it is not held, or it is held
 * with a token whose rows are read after these marks.
 */
export async function coversMarks(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; marks: HoldMarks },
): Promise<boolean> {
  const key = names.project(o.projectId);
  const [held, votes, reloads] = await client.hmget(key, "held", "hold_votes", "hold_reloads");
  if (typeof held !== "string") return true;
  if (typeof votes !== "string") return false;
  return Number(votes) >= o.marks.voteVersion && Number(reloads) >= o.marks.reloadId;
}

/**
 * How a project is held now, as an `absent` of a cast says it; `null` when it is not.
 * @param o.nowUs of Redis's clock, not later than this call
 */
export async function readHold(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; nowUs: number },
): Promise<ProjectHold | null> {
  const [held, lastEventId] = await client.hmget(names.project(o.projectId), "held", "last_event");
  return typeof held === "string" ? { held, lastEventId: lastEventId ?? STREAM_START, nowUs: o.nowUs } : null;
}
