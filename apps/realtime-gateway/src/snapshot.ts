import type { ProjectCounts, RedisNames } from "@votesync/core";
import { findProjects, type PrismaClient } from "@votesync/postgres-store";
import { type RedisClient, readCounts } from "@votesync/redis-store";
import type { ColdCounts, ReadCold } from "./cold-counts.js";

/** Project id → counts; ids that do not exist are missing. */
export type Snapshot = Map<string, ProjectCounts>;

/**
 * The freshest counts known: Redis's, and PostgreSQL's for projects that nobody has voted on lately. A project loaded
 * between the two reads is read as it was before; what happened to it since comes through the stream.
 */
export async function readSnapshot(
  stores: { redis: RedisClient; names: RedisNames; cold: ColdCounts },
  projectIds: readonly string[],
): Promise<Snapshot> {
  const counts = await readCounts(stores.redis, stores.names, projectIds);
  const missing = projectIds.filter((id) => !counts.has(id));
  if (missing.length === 0) return counts;
  const found = await stores.cold.read(missing);
  for (const id of missing) {
    const cold = found.get(id);
    if (cold !== undefined) counts.set(id, cold);
  }
  return counts;
}

/** For `ColdCounts`. */
export const coldReader =
  (prisma: PrismaClient): ReadCold =>
  async (ids) =>
    new Map(
      (await findProjects(prisma, ids)).map(({ id, upvotes, downvotes, version }) => [
        id,
        { upvotes, downvotes, version },
      ]),
    );
