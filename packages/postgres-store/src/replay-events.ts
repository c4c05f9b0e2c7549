/** Whether the audit log and the rows say the same: the newest event of each user on a project is what the row must say. */
import type pg from "pg";

export interface ReplayDifference {
  projectId: string;
  period: number;
  userId: string;
  /** `null`: there is no row, or no event. */
  row: string | null;
  event: string | null;
}

export interface ReplayedProjects {
  differences: ReplayDifference[];
  /** Rows of votes that are older than the oldest event kept: nothing to hold them against. */
  olderThanLog: number;
  rows: number;
}

const REPLAY = `
  WITH log AS (SELECT coalesce(min(accepted_at), 'infinity') AS begins FROM vote_events),
  newest AS (
    SELECT DISTINCT ON (project_id, period, user_id) project_id, period, user_id, vote_type, version
      FROM vote_events WHERE project_id = ANY($1)
     ORDER BY project_id, period, user_id, version DESC
  ), kept AS (
    SELECT project_id, period, user_id, vote_type, version, voted_at FROM votes WHERE project_id = ANY($1)
  ), both_sides AS (
    SELECT coalesce(k.project_id, n.project_id) AS project_id, coalesce(k.period, n.period) AS period,
           coalesce(k.user_id, n.user_id) AS user_id, k.vote_type AS row, n.vote_type AS event,
           n.user_id IS NULL AND k.voted_at < log.begins AS older,
           (k.vote_type, k.version) IS DISTINCT FROM (n.vote_type, n.version) AS differs
      FROM kept k FULL JOIN newest n USING (project_id, period, user_id) CROSS JOIN log
  )
  SELECT count(*) FILTER (WHERE row IS NOT NULL) AS rows, count(*) FILTER (WHERE older) AS older,
         coalesce(json_agg(json_build_array(project_id, period, user_id, row, event))
                    FILTER (WHERE differs AND NOT older), '[]') AS differences
    FROM both_sides`;

/** In one snapshot, so it is exact while votes go on. */
export async function replayProjects(pool: pg.Pool, projectIds: readonly string[]): Promise<ReplayedProjects> {
  const { rows } = await pool.query<{
    rows: number;
    older: number;
    differences: [string, number, string, string | null, string | null][];
  }>(REPLAY, [projectIds]);
  const [found] = rows;
  return {
    rows: found?.rows ?? 0,
    olderThanLog: found?.older ?? 0,
    differences: (found?.differences ?? []).map(([projectId, period, userId, row, event]) => ({
      projectId,
      period,
      userId,
      row,
      event,
    })),
  };
}

const SCRATCH_TABLE = `
  INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
  SELECT DISTINCT ON (project_id, period, user_id) project_id, period, user_id, vote_type, version, accepted_at
    FROM public.vote_events
   ORDER BY project_id, period, user_id, version DESC`;

const COMPARE_TABLES = `
  SELECT coalesce(v.project_id, r.project_id) AS project_id, coalesce(v.period, r.period) AS period,
         coalesce(v.user_id, r.user_id) AS user_id, v.vote_type AS row, r.vote_type AS event
    FROM public.votes v FULL JOIN votes r USING (project_id, period, user_id)
   WHERE (v.vote_type, v.version) IS DISTINCT FROM (r.vote_type, r.version)
     AND NOT (r.user_id IS NULL AND v.voted_at < (SELECT coalesce(min(accepted_at), 'infinity') FROM public.vote_events))
   ORDER BY 1, 2, 3
   LIMIT $1`;

/**
 * Makes all rows anew from the audit log, in a schema of their own that is gone afterwards, and compares them with the real
 * ones: the proof that the log alone would do. One transaction that sees one moment, and is rolled back.
 *
 * @param o.schema to be made; @param o.timeoutMs for each statement; it reads every vote there is
 */
export async function replayAll(
  client: pg.ClientBase,
  o: { schema: string; timeoutMs: number; limit: number },
): Promise<{ rebuilt: number; differences: ReplayDifference[] }> {
  const schema = `"${o.schema.replaceAll('"', '""')}"`;
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    await client.query(`SET LOCAL statement_timeout = ${Math.round(o.timeoutMs)}`);
    await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(`CREATE TABLE ${schema}.votes (LIKE public.votes INCLUDING ALL)`);
    await client.query(`SET LOCAL search_path = ${schema}, public`);
    const { rowCount } = await client.query(SCRATCH_TABLE);
    const { rows } = await client.query(COMPARE_TABLES, [o.limit]);
    const differences = rows.map((row) => ({
      projectId: row.project_id as string,
      period: Number(row.period),
      userId: row.user_id as string,
      row: row.row as string | null,
      event: row.event as string | null,
    }));
    return { rebuilt: rowCount ?? 0, differences };
  } finally {
    await client.query("ROLLBACK");
  }
}
