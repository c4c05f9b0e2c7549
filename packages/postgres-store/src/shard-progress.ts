import type pg from "pg";

/** The installation was made with another number of shards. */
export class ShardCountError extends Error {
  override readonly name = "ShardCountError";
  constructor(found: number, wanted: number) {
    super(
      `this installation has ${found} shards, VOTE_SHARDS says ${wanted}; a project's shard must never move: ` +
        `set VOTE_SHARDS=${found}`,
    );
  }
}

/**
 * Makes the shards of a new installation.
 * @throws {ShardCountError} when there are others already
 */
export async function ensureShards(pool: pg.Pool, shards: number): Promise<void> {
  await pool.query(
    `INSERT INTO shard_progress (shard)
     SELECT shard FROM generate_series(0, $1::int - 1) AS shard WHERE NOT EXISTS (SELECT FROM shard_progress)
     ON CONFLICT DO NOTHING`,
    [shards],
  );
  await assertShardCount(pool, shards);
}

/** @throws {ShardCountError} */
export async function assertShardCount(pool: pg.Pool, shards: number): Promise<void> {
  const { rows } = await pool.query<{ found: number }>("SELECT count(*) AS found FROM shard_progress");
  const found = rows[0]?.found ?? 0;
  if (found !== shards) throw new ShardCountError(found, shards);
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
