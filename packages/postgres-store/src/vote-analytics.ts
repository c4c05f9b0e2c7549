/** What happened to a project's votes over time, out of the audit log. */
import type pg from "pg";

export type Bucket = "minute" | "hour" | "day";

export interface VoteActivity {
  at: Date;
  casts: number;
  changes: number;
  removals: number;
}

/**
 * `accepted_at` chooses the partitions and the project id the rows within them. Empty buckets are there as zeros. Buckets
 * are in UTC.
 */
const ACTIVITY = `
  WITH counted AS (
    SELECT date_trunc($4, accepted_at, 'UTC') AS at, count(*) FILTER (WHERE action = 'created') AS casts,
           count(*) FILTER (WHERE action = 'changed') AS changes, count(*) FILTER (WHERE action = 'removed') AS removals
      FROM vote_events
     WHERE project_id = $1 AND accepted_at >= $2 AND accepted_at < $3
     GROUP BY 1
  )
  SELECT bucket AS at, coalesce(casts, 0) AS casts, coalesce(changes, 0) AS changes, coalesce(removals, 0) AS removals
    FROM generate_series(date_trunc($4, $2::timestamptz, 'UTC'), $3::timestamptz - interval '1 microsecond',
                         ('1 ' || $4)::interval) AS bucket
    LEFT JOIN counted ON counted.at = bucket
   ORDER BY 1`;

/** @param o.from inclusive @param o.to exclusive */
export async function readVoteActivity(
  pool: pg.Pool,
  o: { projectId: string; from: Date; to: Date; bucket: Bucket },
): Promise<VoteActivity[]> {
  const { rows } = await pool.query<VoteActivity>(ACTIVITY, [o.projectId, o.from, o.to, o.bucket]);
  return rows;
}
