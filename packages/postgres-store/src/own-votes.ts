/** One user's votes on the current periods of projects, as rows. */
import type { VoteType } from "@votesync/core";
import type pg from "pg";

export interface OwnVoteRow {
  projectId: string;
  period: number;
  /** `null`: no vote ever in this period. */
  vote: { voteType: VoteType; version: number } | null;
}

interface Row {
  project_id: string;
  period: number;
  vote_type: VoteType | null;
  version: number | null;
}

/** Of a project `p`, also where nobody has ended a period yet whose instant has passed. */
const CURRENT_PERIOD = `(p.period + coalesce(p.opens_at <= clock_timestamp(), false)::int
                                  + coalesce(p.closes_at <= clock_timestamp(), false)::int)`;

/** One row per project that exists. */
export async function readOwnVoteRows(
  pool: pg.Pool,
  o: { userId: string; projectIds: readonly string[] },
): Promise<OwnVoteRow[]> {
  const { rows } = await pool.query<Row>(
    `SELECT p.id AS project_id, ${CURRENT_PERIOD} AS period, v.vote_type, v.version
       FROM projects p
       LEFT JOIN votes v ON v.project_id = p.id AND v.period = ${CURRENT_PERIOD} AND v.user_id = $1
      WHERE p.id = ANY($2)`,
    [o.userId, o.projectIds],
  );
  return rows.map(toOwnVoteRow);
}

/** Votes that are given, by project id. */
export async function listOwnVoteRows(
  pool: pg.Pool,
  o: { userId: string; afterId: string; limit: number },
): Promise<OwnVoteRow[]> {
  const { rows } = await pool.query<Row>(
    `SELECT v.project_id, v.period, v.vote_type, v.version
       FROM votes v JOIN projects p ON p.id = v.project_id AND ${CURRENT_PERIOD} = v.period
      WHERE v.user_id = $1 AND v.project_id > $2 AND v.vote_type <> 'none'
      ORDER BY v.project_id
      LIMIT $3`,
    [o.userId, o.afterId, o.limit],
  );
  return rows.map(toOwnVoteRow);
}

function toOwnVoteRow({ project_id: projectId, period, vote_type: voteType, version }: Row): OwnVoteRow {
  return { projectId, period, vote: voteType === null || version === null ? null : { voteType, version } };
}
