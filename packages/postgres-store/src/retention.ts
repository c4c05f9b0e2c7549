/** Rows that have had their day, in bounded batches. */
import type pg from "pg";

const ROWS_PER_DELETE = 5_000;

/** An hour longer than an Idempotency-Key is remembered. */
const OUTBOX_KEPT = "interval '25 hours'";
/** An hour longer than a key may be repeated. */
const KEYS_KEPT = "interval '25 hours'";
const READ_NOTIFICATIONS_KEPT = "interval '90 days'";

const STALE = {
  idempotency_keys: `accepted_at < now() - ${KEYS_KEPT}`,
  outbox: `recovered_at < now() - ${OUTBOX_KEPT}`,
  notifications: `read_at < now() - ${READ_NOTIFICATIONS_KEPT}`,
} as const;

/** @returns how many rows went */
export async function deleteStaleRows(pool: pg.Pool, table: keyof typeof STALE): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { rowCount } = await pool.query(
      `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${STALE[table]} LIMIT $1))`,
      [ROWS_PER_DELETE],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < ROWS_PER_DELETE) return deleted;
  }
}
