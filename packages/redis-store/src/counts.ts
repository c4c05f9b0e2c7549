import type { ProjectCounts, RedisNames } from "@votesync/core";
import { closePeriod } from "./close-period.js";
import type { RedisClient } from "./connection.js";
import { unlessDamaged } from "./reply-errors.js";

/**
 * The live counters of some projects; those not loaded, damaged, or not to be trusted now, are missing from the result.
 * One command per project, all in one round trip: they may live on different nodes. A launch whose instant has passed
 * without a vote is ended first, so that nobody is shown the counters of a period that is over.
 */
export async function readCounts(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Map<string, ProjectCounts>> {
  const fields = ["upvotes", "downvotes", "version", "opens_at", "closes_at"];
  const replies = await Promise.all(projectIds.map((id) => unlessDamaged(client.hmget(names.project(id), ...fields))));
  const nowUs = Date.now() * 1_000;
  const counts = new Map<string, ProjectCounts>();
  const due: string[] = [];
  projectIds.forEach((id, i) => {
    const [upvotes, downvotes, version, opensAt, closesAt] = replies[i] ?? [];
    if (typeof version !== "string" || typeof upvotes !== "string") return;
    counts.set(id, { upvotes: Number(upvotes), downvotes: Number(downvotes), version: Number(version) });
    if (isDue(opensAt, nowUs) || isDue(closesAt, nowUs)) due.push(id);
  });
  await Promise.all(due.map((id) => endPeriod(client, names, id, counts)));
  return counts;
}

/** By this machine's clock; whether it really is, Redis decides. */
const isDue = (instantUs: string | null | undefined, nowUs: number) =>
  typeof instantUs === "string" && Number(instantUs) <= nowUs;

async function endPeriod(
  client: RedisClient,
  names: RedisNames,
  id: string,
  counts: Map<string, ProjectCounts>,
): Promise<void> {
  const state = await closePeriod(client, names, id);
  // Held back since it was read: what was known of it is still shown.
  if (state.kind === "absent") return;
  counts.set(id, { upvotes: state.upvotes, downvotes: state.downvotes, version: state.version });
}
