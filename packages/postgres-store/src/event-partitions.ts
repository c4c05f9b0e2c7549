/** Monthly partitions of `vote_events`: old months can be dropped at once, and queries by time read few of them. */
import type pg from "pg";

const MONTHS_AHEAD = 2;

/**
 * Makes the partitions of the month of `now` (UTC) and the next two, where missing. A month without a partition is
 * no failure: its events go to the default one.
 */
export async function ensureEventPartitions(pool: pg.Pool, now: Date): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    const from = firstOfMonth(now, ahead);
    const name = `vote_events_${from.slice(0, 7).replace("-", "_")}`;
    await pool.query(
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF vote_events
       FOR VALUES FROM ('${from} 00:00:00+00') TO ('${firstOfMonth(now, ahead + 1)} 00:00:00+00')`,
    );
  }
}

function firstOfMonth(now: Date, monthsAhead: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsAhead, 1)).toISOString().slice(0, 10);
}
