/**
 * Stores that went back in time: what was noticed, and what came of it. For health and for people; and while one of PostgreSQL is
 * open, its rows of that shard lack votes (`isIncomplete`).
 */
import type pg from "pg";

export type StoreName = "redis" | "postgres";

export interface StoreIncident {
  store: StoreName;
  shard: number;
  noticedAt: Date;
  /** `null` while it is not over. */
  resolvedAt: Date | null;
  details: Record<string, unknown>;
}

/**
 * Notes that a store went back in time; once, however often it is noticed. Where PostgreSQL did, the leaderboards in Redis hold points
 * of moves that this PostgreSQL never made: they get another epoch, and are counted anew.
 * @returns whether nobody had noticed it before
 */
export async function openIncident(
  pool: pg.Pool,
  incident: Pick<StoreIncident, "store" | "shard" | "details">,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `WITH first AS (
       SELECT WHERE $1 = 'postgres' AND NOT EXISTS (SELECT FROM store_incidents WHERE store = 'postgres' AND resolved_at IS NULL)
     ), boards AS (
       UPDATE sync_state SET boards_epoch = gen_random_uuid() WHERE EXISTS (SELECT FROM first)
     )
     INSERT INTO store_incidents (store, shard, details) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [incident.store, incident.shard, JSON.stringify(incident.details)],
  );
  return rowCount === 1;
}

/** SQL: whether PostgreSQL went back in time, and has not got back yet what Redis has of a shard. */
export const isIncomplete = (shard: string) =>
  `EXISTS (SELECT FROM store_incidents WHERE store = 'postgres' AND shard = ${shard} AND resolved_at IS NULL)`;

/** It is over. @param details what was done about it, added to what was noticed */
export async function resolveIncident(
  pool: pg.Pool,
  incident: Pick<StoreIncident, "store" | "shard" | "details">,
): Promise<void> {
  await pool.query(
    `UPDATE store_incidents SET resolved_at = now(), details = details || $3
      WHERE store = $1 AND shard = $2 AND resolved_at IS NULL`,
    [incident.store, incident.shard, JSON.stringify(incident.details)],
  );
}

const SHOWN = 100;

/** Those that are not over, and those of the last day; newest first. */
export async function readIncidents(pool: pg.Pool): Promise<StoreIncident[]> {
  const { rows } = await pool.query<StoreIncident>(
    `SELECT store, shard, noticed_at AS "noticedAt", resolved_at AS "resolvedAt", details
       FROM store_incidents
      WHERE resolved_at IS NULL OR resolved_at > now() - interval '1 day'
      ORDER BY resolved_at IS NULL DESC, id DESC LIMIT $1`,
    [SHOWN],
  );
  return rows;
}
