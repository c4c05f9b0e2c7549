/** Projects that changed since they were last compared with PostgreSQL, and those a worker found differing. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

export interface ChangedProject {
  projectId: string;
  /** As Redis writes it, to be compared as text. */
  version: string;
}

/** The longest waiting ones. They stay on the list until `dropChecked`. */
export async function readChanged(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; limit: number },
): Promise<ChangedProject[]> {
  const reply = await client.zrange(names.changed(o.shard), "0", String(o.limit - 1), "WITHSCORES");
  const changed: ChangedProject[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    changed.push({ projectId: reply[i] as string, version: reply[i + 1] as string });
  }
  return changed;
}

/** They were compared. One that changed meanwhile stays. */
export async function dropChecked(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; checked: readonly ChangedProject[] },
): Promise<void> {
  if (o.checked.length === 0) return;
  const args = o.checked.flatMap(({ projectId, version }) => [projectId, version]);
  await callScript(client, "drop-checked", [names.changed(o.shard)], args);
}

export function readDrifted(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; limit: number },
): Promise<string[]> {
  return client.srandmember(names.drifted(o.shard), o.limit);
}

export async function dropDrifted(
  client: RedisClient,
  names: RedisNames,
  o: { shard: number; projectIds: readonly string[] },
): Promise<void> {
  if (o.projectIds.length > 0) await client.srem(names.drifted(o.shard), ...o.projectIds);
}
