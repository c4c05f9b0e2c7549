import type { ProjectCounts, RedisNames } from "@votesync/core";
import { findProjects, type PrismaClient } from "@votesync/postgres-store";
import { type RedisClient, readCounts } from "@votesync/redis-store";

/** Project id → counts; ids that do not exist are missing. */
export type Snapshot = Map<string, ProjectCounts>;

/**
 * The freshest counts known: Redis's, and PostgreSQL's for projects that nobody has voted on lately. A project loaded
 * between the two reads is read as it was before; what happened to it since comes through the stream.
 */
export async function readSnapshot(
  stores: { redis: RedisClient; names: RedisNames; prisma: PrismaClient },
  projectIds: readonly string[],
): Promise<Snapshot> {
  const counts = await readCounts(stores.redis, stores.names, projectIds);
  const cold = projectIds.filter((id) => !counts.has(id));
  if (cold.length === 0) return counts;
  for (const { id, upvotes, downvotes, version } of await findProjects(stores.prisma, cold)) {
    counts.set(id, { upvotes, downvotes, version });
  }
  return counts;
}
