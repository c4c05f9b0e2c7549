/** What PostgreSQL says of projects' counters, in one snapshot, and the one way they are set right. */
import type { VoteType } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

export interface Counters {
  upvotes: number;
  downvotes: number;
}

export interface ProjectCounters extends Counters {
  id: string;
  version: number;
  period: number;
  /** Votes of it are parked, or went past Redis and are not recovered: the stores differ and nobody is to blame. */
  waiting: boolean;
  /** Of the rows of the current period; `null` where they were not counted. */
  rows: Counters | null;
}

export interface CountersSnapshot {
  /** Up to which entry of the shard's stream this is. */
  lastId: string;
  projects: ProjectCounters[];
}

interface SnapshotRow {
  last_id: string;
  id: string;
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  waiting: boolean;
  rows_up: number | null;
  rows_down: number | null;
}

const readCounters = (rows: string, counts: string) => `
  SELECT s.last_id, p.id, p.upvotes, p.downvotes, p.version, p.period, ${counts},
         EXISTS (SELECT FROM parked_events WHERE project_id = p.id)
         OR EXISTS (SELECT FROM outbox WHERE shard = $1 AND project_id = p.id AND recovered_at IS NULL) AS waiting
    FROM shard_progress s JOIN projects p ON p.id = ANY($2) ${rows}
   WHERE s.shard = $1`;

const WITHOUT_ROWS = readCounters("", "NULL AS rows_up, NULL AS rows_down");
const WITH_ROWS = readCounters(
  `LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE vote_type = 'up') AS up,
                             count(*) FILTER (WHERE vote_type = 'down') AS down
                        FROM votes WHERE project_id = p.id AND period = p.period) r ON true`,
  "r.up AS rows_up, r.down AS rows_down",
);

/** One statement, so one snapshot. @param o.countRows reads every vote of these projects */
export async function readCountersSnapshot(
  pool: pg.Pool,
  o: { shard: number; projectIds: readonly string[]; countRows: boolean },
): Promise<CountersSnapshot> {
  const { rows } = await pool.query<SnapshotRow>(o.countRows ? WITH_ROWS : WITHOUT_ROWS, [o.shard, o.projectIds]);
  return {
    lastId: rows[0]?.last_id ?? "0-0",
    projects: rows.map((row) => ({
      id: row.id,
      upvotes: row.upvotes,
      downvotes: row.downvotes,
      version: row.version,
      period: row.period,
      waiting: row.waiting,
      rows: row.rows_up === null || row.rows_down === null ? null : { upvotes: row.rows_up, downvotes: row.rows_down },
    })),
  };
}

/** Makes the counters of a project those of its rows. @returns whether they were others */
export async function recountProject(pool: pg.Pool, o: { shard: number; projectId: string }): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    // Whoever writes votes of the shard holds this row: rows and counters stand still meanwhile.
    await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [o.shard]);
    const { rowCount } = await client.query(
      `UPDATE projects p SET upvotes = r.up, downvotes = r.down
         FROM (SELECT count(*) FILTER (WHERE v.vote_type = 'up') AS up,
                      count(*) FILTER (WHERE v.vote_type = 'down') AS down
                 FROM projects q LEFT JOIN votes v ON v.project_id = q.id AND v.period = q.period
                WHERE q.id = $1) r
        WHERE p.id = $1 AND (p.upvotes, p.downvotes) IS DISTINCT FROM (r.up, r.down)`,
      [o.projectId],
    );
    return rowCount === 1;
  });
}

/** Ids of projects after `afterId`, in order. */
export async function readProjectIds(pool: pg.Pool, o: { afterId: string; limit: number }): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>("SELECT id FROM projects WHERE id > $1 ORDER BY id LIMIT $2", [
    o.afterId,
    o.limit,
  ]);
  return rows.map(({ id }) => id);
}

/**
 * A page of ids after `afterId`, in order. It ends before its projects have more than `maxVotes` votes, as their counters
 * say; it has one project at least.
 */
export async function readProjectPage(
  pool: pg.Pool,
  o: { afterId: string; limit: number; maxVotes: number },
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM (SELECT id, sum(upvotes + downvotes) OVER (ORDER BY id) AS votes, row_number() OVER (ORDER BY id) AS n
                       FROM (SELECT id, upvotes, downvotes FROM projects WHERE id > $1 ORDER BY id LIMIT $2) p) page
      WHERE votes <= $3 OR n = 1 ORDER BY id`,
    [o.afterId, o.limit, o.maxVotes],
  );
  return rows.map(({ id }) => id);
}

export async function countProjects(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ projects: number }>("SELECT count(*) AS projects FROM projects");
  return rows[0]?.projects ?? 0;
}

export interface VoterRows {
  version: number;
  votes: Map<string, VoteType>;
}

/**
 * Who voted what in a period of each project, and the project's version, in one snapshot.
 * @returns `null` for a project with more than `max` rows; projects that do not exist are missing
 */
export async function readVoterRows(
  pool: pg.Pool,
  o: { projects: readonly { projectId: string; period: number }[]; max: number },
): Promise<Map<string, VoterRows | null>> {
  const { rows } = await pool.query<{ id: string; version: number; votes: [string, VoteType][] }>(
    `SELECT p.id, p.version, v.votes
       FROM unnest($1::text[], $2::int[]) AS asked (id, period) JOIN projects p USING (id)
       CROSS JOIN LATERAL (
         SELECT coalesce(json_agg(json_build_array(user_id, vote_type)), '[]') AS votes
           FROM (SELECT user_id, vote_type FROM votes WHERE project_id = p.id AND period = asked.period LIMIT $3) r) v`,
    [o.projects.map(({ projectId }) => projectId), o.projects.map(({ period }) => period), o.max + 1],
  );
  return new Map(
    rows.map(({ id, version, votes }) => [id, votes.length > o.max ? null : { version, votes: new Map(votes) }]),
  );
}
