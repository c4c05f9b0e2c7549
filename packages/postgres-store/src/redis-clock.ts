/** By how much Redis's clock is ahead of this server's: `redis_clock`, one row. */
import type pg from "pg";

/** Clocks drift apart slowly; within this time the best estimate stays the best. */
const KEPT = "interval '10 seconds'";

/**
 * Takes over a time that Redis just answered. The answer took a while, so the difference is rather too small, never too large: the
 * largest of the last seconds counts.
 */
export async function observeRedisClock(pool: pg.Pool, nowUs: number): Promise<void> {
  await pool.query({
    name: "observe-redis-clock",
    text: `INSERT INTO redis_clock AS c (ahead) VALUES ('epoch'::timestamptz + $1::bigint * interval '1 microsecond' - clock_timestamp())
           ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead, measured_at = now()
             WHERE excluded.ahead > c.ahead OR c.measured_at < now() - ${KEPT}`,
    values: [nowUs],
  });
}
