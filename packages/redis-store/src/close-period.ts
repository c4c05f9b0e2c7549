/** Ends a project's period when its instant has passed. See `close-period.lua`. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import type { ProjectHold } from "./hold-project.js";
import { callScript } from "./scripts.js";

export type PeriodState =
  | ({ kind: "absent" } & ProjectHold)
  | {
      kind: "open";
      nowUs: number;
      period: number;
      upvotes: number;
      downvotes: number;
      version: number;
      lastEventId: string;
    };

export async function closePeriod(client: RedisClient, names: RedisNames, projectId: string): Promise<PeriodState> {
  const shard = names.shardOf(projectId);
  const keys = [names.project(projectId), names.events(shard), names.changed(shard)];
  const reply = (await callScript(client, "close-period", keys, [projectId])) as string[];
  const [kind, now, third = "", fourth = "", fifth = "", version = "", lastEventId = ""] = reply;
  const nowUs = Number(now);
  if (kind === "absent") return { kind, nowUs, held: third, lastEventId: fourth };
  if (kind !== "open") throw new Error(`close-period.lua returned an unknown kind: ${kind}`);
  return {
    kind,
    nowUs,
    period: Number(third),
    upvotes: Number(fourth),
    downvotes: Number(fifth),
    version: Number(version),
    lastEventId,
  };
}
