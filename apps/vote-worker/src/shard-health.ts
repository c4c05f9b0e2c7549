import { compareShardCount, readShardProgress } from "@votesync/postgres-store";
import type pg from "pg";

/**
 * The shards this worker holds, and up to where each is applied: the entry's id and when Redis took it.
 * @throws {SettingsDisagreementError} when the installation has another number of shards
 * @throws when nothing is applied to some of them
 */
export async function checkShards(
  pool: pg.Pool,
  { count, held, stopped }: { count: number; held: readonly number[]; stopped: ReadonlyMap<number, Error> },
): Promise<{ held: Record<string, { last_id: string; last_at: string }> }> {
  const progress = await readShardProgress(pool);
  compareShardCount(progress.size, count);
  if (stopped.size > 0) throw new Error([...stopped.values()].map(({ message }) => message).join("; "));
  return {
    held: Object.fromEntries(
      held.map((shard) => {
        const lastId = progress.get(shard) ?? "0-0";
        return [shard, { last_id: lastId, last_at: new Date(Number(lastId.split("-")[0])).toISOString() }];
      }),
    ),
  };
}
