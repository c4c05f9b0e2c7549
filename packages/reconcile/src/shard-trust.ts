/**
 * Whether Redis still has the data that were written to it. It may have been wiped, restored from an old copy, or be
 * another server altogether, and says nothing of it.
 *
 * Two marks tell: each shard's epoch, the same uuid in both stores; and the entry at `last_id`, which streams always keep
 * (they are trimmed well behind it). A stream without it is not the one that was applied.
 *
 * A shard that lost data is rebuilt by making every project in it be read anew from PostgreSQL. What Redis had accepted and
 * no worker had applied is gone with its disk; nothing else is, and nothing is counted twice.
 */
import { compareStreamIds } from "@votesync/core";
import { beginEpoch, readShardEpochs, type ShardEpoch } from "@votesync/postgres-store";
import {
  continueStream,
  findLoadedProjects,
  holdProject,
  holdsEntry,
  readEpoch,
  STREAM_START,
  writeEpoch,
} from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/**
 * `same`: as it was left. `new`: nothing was ever applied from this shard, and Redis has no epoch yet.
 * `lost`: data are missing.
 */
export type ShardTrust = "same" | "new" | "lost";

/** A worker may apply, and a stream be trimmed, between two looks; thrice in a row it does not. */
const LOOKS = 3;

/** @throws when a store does not answer */
export async function checkShards(stores: Stores): Promise<Map<number, ShardTrust>> {
  const found = new Map<number, ShardTrust>();
  for (let look = 1; look <= LOOKS; look++) {
    const unsure = (await readShardEpochs(stores.pool)).filter(({ shard }) => (found.get(shard) ?? "lost") === "lost");
    const verdicts = await Promise.all(
      unsure.map(async (progress) => [progress.shard, await checkShard(stores, progress)] as const),
    );
    for (const [shard, verdict] of verdicts) found.set(shard, verdict);
    if (![...found.values()].includes("lost")) break;
  }
  return found;
}

async function checkShard({ redis, names }: Stores, progress: ShardEpoch): Promise<ShardTrust> {
  const { shard, epoch, epochFromId, lastId } = progress;
  const found = await readEpoch(redis, names, shard);
  if (found === null && lastId === STREAM_START) return "new";
  if (found !== epoch) return "lost";
  if (lastId === STREAM_START || compareStreamIds(lastId, epochFromId) <= 0) return "same";
  return (await holdsEntry(redis, names, shard, lastId)) ? "same" : "lost";
}

/** The shard's first use: from now on both stores carry its epoch. */
export async function adoptShard({ redis, names, pool }: Stores, shard: number): Promise<void> {
  const progress = (await readShardEpochs(pool)).find((one) => one.shard === shard);
  if (progress !== undefined) await writeEpoch(redis, names, shard, progress.epoch);
}

/**
 * Makes a shard that lost data usable again. Safe to repeat from the start after a crash: Redis gets the new epoch last.
 * @returns the projects that must be read anew; whoever votes on one does it, and its watchers are told then
 */
export async function rebuildShard({ redis, names, pool }: Stores, shard: number): Promise<string[]> {
  const progress = (await readShardEpochs(pool)).find((one) => one.shard === shard);
  if (progress === undefined) return [];
  const fromId = await continueStream(redis, names, { shard, appliedId: progress.lastId });
  const epoch = await beginEpoch(pool, shard, fromId);
  const projects = await findLoadedProjects(redis, names, shard);
  for (const projectId of projects) {
    await holdProject(redis, names, { projectId, reason: "rebuilt", forgetCounts: true });
  }
  await writeEpoch(redis, names, shard, epoch);
  return projects;
}
