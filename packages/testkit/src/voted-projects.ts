/**
 * Many projects with votes, straight into PostgreSQL: rows, events and counters that agree, of votes that are on no leaderboard any
 * more. Half a million projects take minutes this way, and would take hours as casts.
 */
import type pg from "pg";

/** Well within a statement's deadline. */
const PROJECTS_PER_INSERT = 10_000;
/** Every third vote is down. */
const VOTE_TYPE = "(CASE WHEN u % 3 = 0 THEN 'down' ELSE 'up' END)::vote_type";
/** Voters are few enough to vote on many projects each. */
const VOTERS = 100_000;

const INSERT = `
  WITH voted AS (
    SELECT 'many-' || n AS project_id, 'user-' || (n * 7 + u) % ${VOTERS} AS user_id, ${VOTE_TYPE} AS vote_type, u,
           (extract(epoch FROM now()) * 1000000)::bigint + u AS version
      FROM generate_series($1::int, $2::int) n, generate_series(1, $3::int) u
  ), rows AS (
    INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
    SELECT project_id, 0, user_id, vote_type, version, now() - interval '2 years' FROM voted
  ), events AS (
    INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                             upvotes, downvotes, request_id, stream_id)
    SELECT project_id, version, now() - interval '2 years', 0, user_id, 'created', vote_type, 'none', u - u / 3, u / 3,
           '0.many ' || project_id || ' ' || u, '1-' || u
      FROM voted
  )
  INSERT INTO projects (id, title, owner_id, upvotes, downvotes, version)
  SELECT project_id, project_id, 'owner', count(*) FILTER (WHERE vote_type = 'up'),
         count(*) FILTER (WHERE vote_type = 'down'), max(version)
    FROM voted GROUP BY project_id`;

/** Makes `many-<from>` … `many-<to>`. They are not in Redis until somebody votes on them. */
export async function insertVotedProjects(
  pool: pg.Pool,
  o: { from: number; to: number; votesEach: number },
): Promise<void> {
  for (let from = o.from; from <= o.to; from += PROJECTS_PER_INSERT) {
    const to = Math.min(o.to, from + PROJECTS_PER_INSERT - 1);
    await pool.query(INSERT, [from, to, o.votesEach]);
  }
  // As autovacuum does by and by; without statistics PostgreSQL reads whole tables for one page.
  await pool.query("ANALYZE projects, votes, vote_events");
}
