/** By how much Redis's clock is ahead of this server's: `redis_clock`, one row. */
import type pg from "pg";
import { AT } from "./sql-times.js";

/** Clocks drift apart slowly; within this time the best estimate stays the best. */
const KEPT = "interval '10 seconds'";
/** Longer ago, and the difference is too small by that much: an observer may have been frozen in between. */
const LONGEST_LOOK = "interval '50 milliseconds'";

/**
 * Observes Redis's clock between two looks at this server's. The answer took a while, so the difference is rather too small, never
 * too large: the largest of the last seconds counts. A look that took longer than wishes must be apart counts for nothing.
 *
 * @param readRedisUs µs since 1970 of Redis's clock
 */
export async function observeRedisClock(pool: pg.Pool, readRedisUs: () => Promise<number>): Promise<void> {
  const { rows } = await pool.query<{ began_at: string }>("SELECT clock_timestamp()::text AS began_at");
  const redisUs = await readRedisUs();
  await pool.query({
    name: "observe-redis-clock",
    text: `INSERT INTO redis_clock AS c (ahead)
           SELECT ${AT("$1::bigint")} - clock_timestamp()
            WHERE clock_timestamp() - $2::timestamptz < ${LONGEST_LOOK}
           ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead, measured_at = now()
             WHERE excluded.ahead > c.ahead OR c.measured_at < now() - ${KEPT}`,
    values: [redisUs, rows[0]?.began_at],
  });
}
