/**
 * Dead letters: events that were given up, kept for a person. A letter is *settled* (`withdrawn_at`) once its vote was
 * taken out of Redis and its voter told, and *resolved* once somebody has replayed or dropped it. Rows are never deleted.
 */
import { type StreamEvent, tryParseEvent, wireOf } from "@votesync/core";
import type pg from "pg";

/** `superseded`: the user had voted since, so there was nothing to replay. */
export type Resolution = "replayed" | "superseded" | "dropped";

export interface DeadLetterKey {
  shard: number;
  streamId: string;
}

export interface DeadLetter extends DeadLetterKey {
  fields: string[];
  /** `null` when the entry cannot be read. */
  event: StreamEvent | null;
  projectId: string | null;
  userId: string | null;
  requestId: string | null;
  error: string;
  attempts: number;
  createdAt: Date;
  withdrawnAt: Date | null;
  /** The project's version after its vote was taken out of Redis; `null` when it was not there any more. */
  withdrawnVersion: number | null;
  resolution: Resolution | null;
  resolvedAt: Date | null;
  replayRequestId: string | null;
}

const COLUMNS = `shard, stream_id AS "streamId", fields, project_id AS "projectId", user_id AS "userId",
  request_id AS "requestId", error, attempts, created_at AS "createdAt", withdrawn_at AS "withdrawnAt",
  withdrawn_version AS "withdrawnVersion", resolution, resolved_at AS "resolvedAt",
  replay_request_id AS "replayRequestId"`;

type Row = Omit<DeadLetter, "event">;

const toLetter = (row: Row): DeadLetter => ({ ...row, event: tryParseEvent(wireOf(row.fields)) });

/** Where a page begins: after this letter. */
export interface DeadLetterCursor extends DeadLetterKey {
  createdAt: Date;
}

/** Newest first. */
export async function listDeadLetters(
  pool: pg.Pool,
  o: { limit: number; all: boolean; after?: DeadLetterCursor | undefined },
): Promise<DeadLetter[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${COLUMNS} FROM dead_letters
      WHERE ($1 OR resolution IS NULL)
        AND ($2::timestamptz IS NULL OR (created_at, shard, stream_id) < ($2, $3::int, $4::text))
      ORDER BY created_at DESC, shard DESC, stream_id DESC
      LIMIT $5`,
    [o.all, o.after?.createdAt ?? null, o.after?.shard ?? null, o.after?.streamId ?? null, o.limit],
  );
  return rows.map(toLetter);
}

export async function findDeadLetter(pool: pg.Pool, key: DeadLetterKey): Promise<DeadLetter | null> {
  const { rows } = await pool.query<Row>(`SELECT ${COLUMNS} FROM dead_letters WHERE shard = $1 AND stream_id = $2`, [
    key.shard,
    key.streamId,
  ]);
  return rows[0] === undefined ? null : toLetter(rows[0]);
}

/** The letters of these shards whose votes may still be in Redis, oldest first. */
export async function findUnsettledLetters(
  pool: pg.Pool,
  o: { shards: readonly number[]; limit: number },
): Promise<DeadLetter[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${COLUMNS} FROM dead_letters
      WHERE withdrawn_at IS NULL AND shard = ANY($1) ORDER BY created_at LIMIT $2`,
    [o.shards, o.limit],
  );
  return rows.map(toLetter);
}

/** Its vote is out of Redis, and its voter knows. */
export async function settleLetter(pool: pg.Pool, key: DeadLetterKey, version: number | null): Promise<void> {
  await pool.query(
    `UPDATE dead_letters SET withdrawn_at = now(), withdrawn_version = $3
      WHERE shard = $1 AND stream_id = $2 AND withdrawn_at IS NULL`,
    [key.shard, key.streamId, version],
  );
}

/** @returns `false` when it was resolved before */
export async function resolveLetter(
  pool: pg.Pool,
  key: DeadLetterKey,
  o: { resolution: Resolution; replayRequestId?: string },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE dead_letters SET resolution = $3, replay_request_id = $4, resolved_at = now()
      WHERE shard = $1 AND stream_id = $2 AND resolution IS NULL`,
    [key.shard, key.streamId, o.resolution, o.replayRequestId ?? null],
  );
  return rowCount === 1;
}
