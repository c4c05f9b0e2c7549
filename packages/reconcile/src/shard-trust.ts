/**
 * Whether both stores still have the data that were written to them. Either may have been wiped, restored from an old copy, have
 * failed over to a server that lagged, or be another server altogether, and says nothing of it.
 *
 * Three marks tell. Each shard's epoch is the same uuid in both stores. The entry at the watermark is always in the event
 * stream, which is trimmed well behind it: a stream without it is not the one that was applied. And Redis keeps the highest
 * watermark that PostgreSQL had: one that is lower has gone back.
 *
 * A shard that lost data is rebuilt by making every project in it be read anew from PostgreSQL. What Redis had accepted and
 * no worker had applied is gone with its disk; nothing else is, and nothing is counted twice.
 */
import { compareStreamIds } from "@votesync/core";
import {
  beginEpoch,
  openIncident,
  readShardEpoch,
  readShardEpochs,
  resolveIncident,
  type ShardEpoch,
} from "@votesync/postgres-store";
import {
  continueStream,
  holdProjects,
  holdsEntry,
  MAX_HOLDS_AT_ONCE,
  markKeysLost,
  readShardMarks,
  type ShardMarks,
  STREAM_START,
  scanLoadedProjects,
  writeEpoch,
} from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/**
 * `same`: as it was left. `new`: nothing was ever applied from this shard, and Redis has no epoch yet.
 * `lost`: Redis lacks data. `postgres-behind`: PostgreSQL went back in time, and what Redis has is newer.
 */
export type ShardTrust = "same" | "new" | "lost" | "postgres-behind";

/** A worker may apply, and a stream be trimmed, between two looks; thrice in a row it does not. */
const LOOKS = 3;

/** @throws when a store does not answer */
export async function checkShards(stores: Stores): Promise<Map<number, ShardTrust>> {
  const found = new Map<number, ShardTrust>();
  for (let look = 1; look <= LOOKS; look++) {
    // The marks first: a worker moves the watermark before it moves the mark.
    const marks = await readMarks(stores);
    const unsure = (await readShardEpochs(stores.pool)).filter(({ shard }) => (found.get(shard) ?? "lost") === "lost");
    const verdicts = await Promise.all(
      unsure.map(async (progress) => {
        return [progress.shard, await checkShard(stores, progress, marks.get(progress.shard) ?? NO_MARKS)] as const;
      }),
    );
    for (const [shard, verdict] of verdicts) found.set(shard, verdict);
    if (![...found.values()].includes("lost")) break;
  }
  return found;
}

const NO_MARKS: ShardMarks = { epoch: null, installation: null, applied: null, fallbackVotes: 0 };

async function readMarks({ redis, names }: Stores): Promise<Map<number, ShardMarks>> {
  const shards = names.allShards();
  return new Map(
    await Promise.all(shards.map(async (shard) => [shard, await readShardMarks(redis, names, shard)] as const)),
  );
}

/** @param marks read before the progress */
async function checkShard({ redis, names }: Stores, progress: ShardEpoch, marks: ShardMarks): Promise<ShardTrust> {
  const { shard, epoch, lastId } = progress;
  if (marks.epoch === null && lastId === STREAM_START) return "new";
  if (isPostgresBehind(progress, marks)) return "postgres-behind";
  if (marks.epoch !== epoch) return "lost";
  if (!needsFollowing(progress)) return "same";
  return (await holdsEntry(redis, names, shard, lastId)) ? "same" : "lost";
}

/** Whether the entry at the watermark must be in the event stream: not before the first one of the shard's epoch is applied. */
export function needsFollowing({ lastId, epochFromId }: Pick<ShardEpoch, "lastId" | "epochFromId">): boolean {
  return lastId !== STREAM_START && compareStreamIds(lastId, epochFromId) > 0;
}

/**
 * Whether Redis knows that PostgreSQL was further: it had applied more, or had more votes of the fallback; or whether somebody has
 * begun to bring over what Redis has, and has not come to the end. A Redis of another installation knows nothing of this one.
 *
 * @param marks read before the progress
 */
export function isPostgresBehind(progress: ShardEpoch, marks: ShardMarks): boolean {
  const { epoch, installation, lastId, fallbackVotes, isIncomplete } = progress;
  const hasAppliedLess = marks.applied !== null && compareStreamIds(marks.applied, lastId) > 0;
  if (marks.epoch === null || !(hasAppliedLess || marks.fallbackVotes > fallbackVotes || isIncomplete)) return false;
  return marks.installation === null ? marks.epoch === epoch : marks.installation === installation;
}

/** The same, asked now. */
export async function isShardBehind({ redis, names, pool }: Stores, shard: number): Promise<boolean> {
  const marks = await readShardMarks(redis, names, shard);
  return isPostgresBehind(await readShardEpoch(pool, shard), marks);
}

/** The shard's first use: from now on both stores carry its epoch. */
export async function adoptShard({ redis, names, pool }: Stores, shard: number): Promise<void> {
  const progress = (await readShardEpochs(pool)).find((one) => one.shard === shard);
  if (progress !== undefined) await writeEpoch(redis, names, shard, progress);
}

/**
 * Makes a shard that lost data usable again. Safe to repeat from the start after a crash: Redis gets the new epoch last.
 * Its projects must be reloaded: whoever votes on one does it, or any replica that finds it on the list. Watchers are told then.
 * @returns how many projects were held; one may be counted twice
 */
export async function rebuildShard({ redis, names, pool }: Stores, shard: number): Promise<number> {
  const progress = (await readShardEpochs(pool)).find((one) => one.shard === shard);
  if (progress === undefined) return 0;
  await openIncident(pool, { store: "redis", shard, details: { applied_until: progress.lastId } });
  // What PostgreSQL lost before is gone with it: nobody can bring it over any more, and these rows are all there is.
  await resolveIncident(pool, { store: "postgres", shard, details: { redis_lost: true } });
  const fromId = await continueStream(redis, names, { shard, appliedId: progress.lastId });
  const epoch = await beginEpoch(pool, shard, fromId);
  let held = 0;
  for await (const page of scanLoadedProjects(redis, names, shard)) {
    for (let from = 0; from < page.length; from += MAX_HOLDS_AT_ONCE) {
      const projects = page.slice(from, from + MAX_HOLDS_AT_ONCE).map((projectId) => ({ projectId }));
      await holdProjects(redis, names, { shard, projects, reason: "rebuilt", forgetCounts: true });
    }
    held += page.length;
  }
  // Answers to Idempotency-Keys may be lost too; PostgreSQL knows those that were applied.
  await markKeysLost(redis, names, shard);
  await writeEpoch(redis, names, shard, { epoch, installation: progress.installation });
  await resolveIncident(pool, { store: "redis", shard, details: { reloaded_projects: held } });
  return held;
}
