/**
 * Which life of Redis's data each shard belongs to. The same uuid stands in Redis; another one there, or none, or a stream
 * that does not hold `last_id`, and Redis has lost data.
 */
import type pg from "pg";
import { isIncomplete } from "./store-incidents.js";

export interface ShardEpoch {
  shard: number;
  epoch: string;
  /** Up to here the stream of this epoch need not hold `lastId`. */
  epochFromId: string;
  lastId: string;
  /** How many votes the fallback took, ever. */
  fallbackVotes: number;
  /** Which installation this is; the same for all shards. */
  installation: string;
  /** It went back in time, and nobody has brought over yet all that Redis has: its rows lack votes, whatever `lastId` says. */
  isIncomplete: boolean;
}

interface Row {
  shard: number;
  epoch: string;
  epoch_from_id: string;
  last_id: string;
  fallback_votes: number;
  installation: string;
  is_incomplete: boolean;
}

const COLUMNS = `shard, epoch, epoch_from_id, last_id, fallback_votes, (SELECT installation FROM sync_state) AS installation,
  ${isIncomplete("shard_progress.shard")} AS is_incomplete`;

const toEpoch = (row: Row): ShardEpoch => ({
  shard: row.shard,
  epoch: row.epoch,
  epochFromId: row.epoch_from_id,
  lastId: row.last_id,
  fallbackVotes: row.fallback_votes,
  installation: row.installation,
  isIncomplete: row.is_incomplete,
});

export async function readShardEpochs(pool: pg.Pool): Promise<ShardEpoch[]> {
  const { rows } = await pool.query<Row>(`SELECT ${COLUMNS} FROM shard_progress ORDER BY shard`);
  return rows.map(toEpoch);
}

/** @throws when the installation has no such shard. */
export async function readShardEpoch(pool: pg.Pool, shard: number): Promise<ShardEpoch> {
  const { rows } = await pool.query<Row>({
    name: "read-shard-epoch",
    text: `SELECT ${COLUMNS} FROM shard_progress WHERE shard = $1`,
    values: [shard],
  });
  const [row] = rows;
  if (row === undefined) throw new Error(`shard_progress has no shard ${shard}: is the database migrated?`);
  return toEpoch(row);
}

/** The shard has again the votes of the fallback that Redis knew. */
export async function raiseFallbackVotes(pool: pg.Pool, shard: number, votes: number): Promise<void> {
  await pool.query("UPDATE shard_progress SET fallback_votes = greatest(fallback_votes, $2) WHERE shard = $1", [
    shard,
    votes,
  ]);
}

/** The shard's data in Redis begin anew. @returns the new epoch, to be told to Redis once it is rebuilt */
export async function beginEpoch(pool: pg.Pool, shard: number, fromId: string): Promise<string> {
  const { rows } = await pool.query<{ epoch: string }>(
    "UPDATE shard_progress SET epoch = gen_random_uuid(), epoch_from_id = $2 WHERE shard = $1 RETURNING epoch",
    [shard, fromId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`shard_progress has no shard ${shard}: is the database migrated?`);
  return row.epoch;
}
