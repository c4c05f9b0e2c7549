import { SettingsDisagreementError } from "@votesync/core";
import type pg from "pg";

/** Makes all shards of a new installation, inside the transaction that found it without any. */
export async function addShards(client: pg.ClientBase, shards: number): Promise<void> {
  await client.query("INSERT INTO shard_progress (shard) SELECT generate_series(0, $1::int - 1)", [shards]);
}

/** @throws {SettingsDisagreementError} when the installation has another number of shards */
export async function assertShardCount(pool: pg.Pool, shards: number): Promise<void> {
  const { rows } = await pool.query<{ found: number }>("SELECT count(*) AS found FROM shard_progress");
  compareShardCount(rows[0]?.found ?? 0, shards);
}

/** @throws {SettingsDisagreementError} */
export function compareShardCount(inForce: number, given: number): void {
  if (inForce !== given) throw new SettingsDisagreementError([{ name: "VOTE_SHARDS", given, inForce }]);
}

/** Shard → id of the last stream entry whose rows are committed. */
export async function readShardProgress(pool: pg.Pool): Promise<Map<number, string>> {
  const { rows } = await pool.query<{ shard: number; last_id: string }>("SELECT shard, last_id FROM shard_progress");
  return new Map(rows.map(({ shard, last_id }) => [shard, last_id]));
}

/** @throws when the installation has no such shard. */
export async function readLastId(pool: pg.Pool, shard: number): Promise<string> {
  const { rows } = await pool.query<{ last_id: string }>("SELECT last_id FROM shard_progress WHERE shard = $1", [
    shard,
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error(`shard_progress has no shard ${shard}: is the database migrated?`);
  return row.last_id;
}

/** Project id up to which the rolling check has come; empty: from the start. It is kept with the first shard. */
export async function readCheckedUntil(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ checked_until: string }>(
    "SELECT checked_until FROM shard_progress ORDER BY shard LIMIT 1",
  );
  return rows[0]?.checked_until ?? "";
}

export async function writeCheckedUntil(pool: pg.Pool, projectId: string): Promise<void> {
  await pool.query("UPDATE shard_progress SET checked_until = $1 WHERE shard = 0", [projectId]);
}
