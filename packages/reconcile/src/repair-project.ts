/**
 * Sets a project right by the one truth there is, its rows: PostgreSQL's counters are counted anew, and Redis reads all of it
 * anew, which tells its watchers. Safe to repeat, and while votes go on.
 */
import { recountProject } from "@votesync/postgres-store";
import type { Comparison } from "./compare-projects.js";
import type { ProjectLoader } from "./project-loader.js";
import type { Stores } from "./stores.js";

export async function repairProject(
  stores: Stores,
  loader: ProjectLoader,
  { projectId, drift }: Pick<Comparison, "projectId" | "drift">,
): Promise<void> {
  const shard = stores.names.shardOf(projectId);
  if (drift.includes("postgres")) await recountProject(stores.pool, { shard, projectId });
  await loader.reload(projectId, drift.includes("redis") ? "redis-drift" : "postgres-drift");
}
