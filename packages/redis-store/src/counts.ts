import type { ProjectCounts, RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";

/**
 * The live counters of some projects; those not loaded, or not to be trusted now, are missing from the result.
 * One command per project, all in one round trip: they may live on different nodes.
 */
export async function readCounts(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Map<string, ProjectCounts>> {
  const replies = await Promise.all(
    projectIds.map((id) => client.hmget(names.project(id), "upvotes", "downvotes", "version")),
  );
  const counts = new Map<string, ProjectCounts>();
  projectIds.forEach((id, i) => {
    const [upvotes, downvotes, version] = replies[i] ?? [];
    if (typeof version !== "string" || typeof upvotes !== "string") return;
    counts.set(id, { upvotes: Number(upvotes), downvotes: Number(downvotes), version: Number(version) });
  });
  return counts;
}
