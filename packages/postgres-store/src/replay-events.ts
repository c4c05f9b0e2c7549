/** Whether the audit log and the rows say the same: the newest event of each user on a project is what the row must say. */
import type pg from "pg";
import { inTransaction } from "./transaction.js";

export interface ReplayDifference {
  projectId: string;
  period: number;
  userId: string;
  /** `null`: there is no row, or no event. */
  row: string | null;
  event: string | null;
}

export interface ReplayedProjects {
  /** The first of them, up to the limit. */
  differences: ReplayDifference[];
  /** How many there are. */
  differing: number;
  /** Rows of votes that are older than the oldest event kept: nothing to hold them against. */
  olderThanLog: number;
  rows: number;
}

/** The oldest event of the audit log, by its primary key; `null` when the log is empty. */
export interface LogBegin {
  projectId: string;
  version: number;
  /** As PostgreSQL writes it: a `Date` has no microseconds. */
  acceptedAt: string;
}

/** One page of projects takes milliseconds; a project with millions of votes is a page of its own. */
const TIMEOUT_MS = 600_000;

/** It reads the whole log, because no index has its times. */
const LOG_BEGIN = `
  SELECT project_id AS "projectId", version, accepted_at::text AS "acceptedAt"
    FROM vote_events ORDER BY accepted_at LIMIT 1`;

export async function readLogBegin(pool: pg.Pool): Promise<LogBegin | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await patiently<LogBegin>(client, LOG_BEGIN, []);
    return rows[0] ?? null;
  });
}

const REPLAY = `
  WITH log AS (
    SELECT coalesce($4::timestamptz, 'infinity') AS begins,
           CASE WHEN $2::text IS NULL THEN NOT EXISTS (SELECT FROM vote_events)
                ELSE EXISTS (SELECT FROM vote_events WHERE project_id = $2 AND version = $3 AND accepted_at = $4)
           END AS is_current
  ), newest AS (
    SELECT DISTINCT ON (project_id, period, user_id) project_id, period, user_id, vote_type, version
      FROM vote_events WHERE project_id = ANY($1)
     ORDER BY project_id, period, user_id, version DESC
  ), kept AS (
    SELECT project_id, period, user_id, vote_type, version, voted_at FROM votes WHERE project_id = ANY($1)
  ), both_sides AS MATERIALIZED (
    SELECT coalesce(k.project_id, n.project_id) AS project_id, coalesce(k.period, n.period) AS period,
           coalesce(k.user_id, n.user_id) AS user_id, k.vote_type AS row, n.vote_type AS event,
           n.user_id IS NULL AND k.voted_at < log.begins AS older,
           (k.vote_type, k.version) IS DISTINCT FROM (n.vote_type, n.version) AS differs
      FROM kept k FULL JOIN newest n USING (project_id, period, user_id) CROSS JOIN log
  ), first AS (
    SELECT project_id, period, user_id, row, event FROM both_sides WHERE differs AND NOT older LIMIT $5
  )
  SELECT (SELECT is_current FROM log) AS is_current,
         count(*) FILTER (WHERE row IS NOT NULL) AS rows, count(*) FILTER (WHERE older) AS older,
         count(*) FILTER (WHERE differs AND NOT older) AS differing,
         (SELECT coalesce(json_agg(json_build_array(project_id, period, user_id, row, event)), '[]') FROM first)
           AS differences
    FROM both_sides`;

interface ReplayedRow {
  is_current: boolean;
  rows: number;
  older: number;
  differing: number;
  differences: [string, number, string, string | null, string | null][];
}

/**
 * In one snapshot, so it is exact while votes go on.
 * @returns `null` when the log does not begin at `o.log` any more: old months were dropped, or its first event came in
 */
export async function replayProjects(
  pool: pg.Pool,
  o: { projectIds: readonly string[]; log: LogBegin | null; limit: number },
): Promise<ReplayedProjects | null> {
  const { projectId, version, acceptedAt } = o.log ?? { projectId: null, version: null, acceptedAt: null };
  const { rows } = await inTransaction(pool, (client) =>
    patiently<ReplayedRow>(client, REPLAY, [o.projectIds, projectId, version, acceptedAt, o.limit]),
  );
  const [found] = rows;
  if (found?.is_current !== true) return null;
  const differences = found.differences.map(([project, period, userId, row, event]) => ({
    projectId: project,
    period,
    userId,
    row,
    event,
  }));
  return { rows: found.rows, olderThanLog: found.older, differing: found.differing, differences };
}

/** With time for a whole table. */
async function patiently<T extends pg.QueryResultRow>(
  client: pg.PoolClient,
  text: string,
  values: unknown[],
): Promise<pg.QueryResult<T>> {
  await client.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
  // `pg` has a limit of its own beside the server's, and takes another one for a single query; its types do not say so.
  const query: pg.QueryConfig & { query_timeout: number } = { text, values, query_timeout: TIMEOUT_MS };
  return client.query<T>(query);
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
