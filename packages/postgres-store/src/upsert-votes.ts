/**
 * Wishes become rows: the register of one user on one project and voting period takes the wish with the highest stamp. Used
 * inside a transaction that has locked the shard, by workers and by the fallback alike.
 *
 * What the rows really did moves the counters, and stands as one row in `point_moves` for whoever gives points. So a wish that
 * comes late, twice, or over both stores moves nothing twice.
 */
import type { VoteType } from "@votesync/core";
import type pg from "pg";
import { AT } from "./sql-times.js";

/** A wish as its register takes it. */
export interface VoteWrite {
  projectId: string;
  period: number;
  userId: string;
  voteType: VoteType;
  stamp: number;
  /** When the vote was given, µs: its points count there. */
  givenAtUs: number;
  /** The project's version as the wish knows it. */
  version: number;
}

/** Counters of a project after the wishes, as PostgreSQL has them. */
export interface AppliedCounts {
  projectId: string;
  period: number;
  upvotes: number;
  downvotes: number;
  /** Events of the project are parked: its counters cannot be those of Redis now. */
  parked: boolean;
}

export interface CountersRow {
  id: string;
  period: number;
  upvotes: number;
  downvotes: number;
  parked: boolean;
}

export const toCounts = ({ id, ...counters }: CountersRow): AppliedCounts => ({ projectId: id, ...counters });

export const IS_PARKED = "EXISTS (SELECT FROM parked_events WHERE project_id = p.id) AS parked";

/** A quarter of an hour, counted from 1970: no time zone begins a day within one. */
const QUARTER = (time: string) => `floor(extract(epoch FROM ${time}) / 900)::int`;

/**
 * `before` and `written` together give the transitions that really happened. Both look at the same rows under the lock
 * on the shard, so nothing moves between them. Votes of a period that has ended move that period's counters.
 */
const UPSERT_VOTES = `
  WITH incoming AS (
    SELECT project_id, period, user_id, vote_type, stamp, ${AT("given_at_us")} AS voted_at, version
      FROM unnest($2::text[], $3::int[], $4::text[], $5::vote_type[], $6::bigint[], $7::bigint[], $8::bigint[])
        AS i (project_id, period, user_id, vote_type, stamp, given_at_us, version)
  ), before AS (
    SELECT project_id, period, user_id, v.vote_type, v.voted_at FROM votes v JOIN incoming USING (project_id, period, user_id)
  ), written AS (
    INSERT INTO votes AS v (project_id, period, user_id, vote_type, version, voted_at)
    SELECT project_id, period, user_id, vote_type, stamp, voted_at FROM incoming
    ON CONFLICT (project_id, period, user_id) DO UPDATE
      SET vote_type = excluded.vote_type, version = excluded.version, voted_at = excluded.voted_at
      WHERE v.version < excluded.version
    RETURNING project_id, period, user_id, vote_type, voted_at
  ), seen AS (
    SELECT project_id, period, max(version) AS version FROM incoming GROUP BY project_id, period
  ), transitions AS (
    SELECT project_id, period, w.vote_type, w.voted_at, b.vote_type AS old_type, b.voted_at AS old_at
      FROM written w LEFT JOIN before b USING (project_id, period, user_id)
  ), moved AS (
    SELECT project_id, period,
           sum((vote_type = 'up')::int - coalesce((old_type = 'up')::int, 0)) AS upvotes,
           sum((vote_type = 'down')::int - coalesce((old_type = 'down')::int, 0)) AS downvotes
      FROM transitions GROUP BY project_id, period
  ), points AS (
    SELECT p.owner_id, quarter, sum(up)::int AS up, sum(down)::int AS down
      FROM (SELECT project_id, ${QUARTER("voted_at")} AS quarter, (vote_type = 'up')::int AS up, (vote_type = 'down')::int AS down
              FROM transitions WHERE vote_type <> 'none'
             UNION ALL
            SELECT project_id, ${QUARTER("old_at")}, -(old_type = 'up')::int, -(old_type = 'down')::int
              FROM transitions WHERE old_type <> 'none') m
      JOIN projects p ON p.id = m.project_id
     GROUP BY p.owner_id, quarter HAVING sum(up) <> 0 OR sum(down) <> 0
  ), ledger AS (
    INSERT INTO point_moves (shard, user_ids, quarters, upvotes, downvotes)
    SELECT $1, array_agg(owner_id), array_agg(quarter), array_agg(up), array_agg(down) FROM points HAVING count(*) > 0
  ), late AS (
    INSERT INTO project_periods AS pp (project_id, period, upvotes, downvotes)
    SELECT m.project_id, m.period, m.upvotes, m.downvotes
      FROM moved m JOIN projects p ON p.id = m.project_id AND p.period <> m.period
    ON CONFLICT (project_id, period) DO UPDATE
      SET upvotes = pp.upvotes + excluded.upvotes, downvotes = pp.downvotes + excluded.downvotes
  )
  UPDATE projects p
     SET upvotes = p.upvotes + coalesce(m.upvotes, 0), downvotes = p.downvotes + coalesce(m.downvotes, 0),
         version = greatest(p.version, s.version)
    FROM seen s LEFT JOIN moved m USING (project_id, period)
   WHERE p.id = s.project_id AND p.period = s.period
  RETURNING p.id, p.period, p.upvotes, p.downvotes, ${IS_PARKED}`;

/**
 * @param votes at most one per register, see `newestWrites`
 * @returns the counters of each project of whose current period a wish was
 */
export async function upsertVotes(
  client: pg.PoolClient,
  shard: number,
  votes: readonly VoteWrite[],
): Promise<AppliedCounts[]> {
  if (votes.length === 0) return [];
  const { rows } = await client.query<CountersRow>({
    name: "upsert-votes",
    text: UPSERT_VOTES,
    values: [
      shard,
      votes.map((v) => v.projectId),
      votes.map((v) => v.period),
      votes.map((v) => v.userId),
      votes.map((v) => v.voteType),
      votes.map((v) => v.stamp),
      votes.map((v) => v.givenAtUs),
      votes.map((v) => v.version),
    ],
  });
  return rows.map(toCounts);
}

/** Folded to the newest wish of each register, in the order the rows are touched. The project's version is the highest of them. */
export function newestWrites(writes: readonly VoteWrite[]): VoteWrite[] {
  const newest = new Map<string, VoteWrite>();
  for (const write of writes) {
    const key = `${write.projectId}\n${write.period}\n${write.userId}`;
    const known = newest.get(key);
    if (known === undefined) newest.set(key, write);
    else {
      const version = Math.max(known.version, write.version);
      newest.set(key, { ...(known.stamp <= write.stamp ? write : known), version });
    }
  }
  return [...newest.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, write]) => write);
}
