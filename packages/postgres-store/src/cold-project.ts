/**
 * What Redis needs of a project it does not hold. One statement, so one snapshot: counters and votes belong together.
 */
import type { VoteType } from "@votesync/core";
import type pg from "pg";
import { US } from "./sql-times.js";
import { isIncomplete } from "./store-incidents.js";

export interface VoteRow {
  userId: string;
  voteType: VoteType;
  version: number;
  givenAtUs: number;
}

export interface ColdProjectRow {
  id: string;
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  /** µs since 1970 at which the current period ends: a launch's two instants. */
  opensAtUs: number | null;
  closesAtUs: number | null;
  upOnly: boolean;
  boardId: string | null;
  /** What else the row says. */
  about: { title: string; url: string | null; ownerId: string; createdAtMs: number };
  /**
   * Everybody who voted in the current period, also who took the vote back: should PostgreSQL go back in time, Redis alone knows
   * of that. `null` when they are more than asked for.
   */
  votes: VoteRow[] | null;
  /** Up to which entry of the shard's stream these rows are, and which of the fallback's votes. */
  lastId: string;
  fallbackVotes: number;
  /** The rows lack votes that Redis has: see `ShardEpoch`. */
  isIncomplete: boolean;
}

const READ_COLD_PROJECT = `
  SELECT p.title, p.url, p.owner_id, p.created_at, p.upvotes, p.downvotes, p.version, p.period, p.up_only, p.board_id, ${US("p.opens_at")} AS opens_at_us,
         ${US("p.closes_at")} AS closes_at_us,
         s.last_id, s.fallback_votes, ${isIncomplete("$3")} AS is_incomplete,
         (SELECT coalesce(json_agg(json_build_array(v.user_id, v.vote_type, v.version::text, v.voted_at_us::text)), '[]')
            FROM (SELECT user_id, vote_type, version, ${US("voted_at")} AS voted_at_us
                    FROM votes
                   WHERE project_id = p.id AND period = p.period
                   LIMIT $2) v) AS votes
    FROM projects p LEFT JOIN shard_progress s ON s.shard = $3
   WHERE p.id = $1`;

/** @returns `null` when there is no such project. */
export async function readColdProject(
  pool: pg.Pool,
  { projectId, shard, maxVoters }: { projectId: string; shard: number; maxVoters: number },
): Promise<ColdProjectRow | null> {
  const { rows } = await pool.query<{
    title: string;
    url: string | null;
    owner_id: string;
    created_at: Date;
    upvotes: number;
    downvotes: number;
    version: number;
    period: number;
    opens_at_us: number | null;
    closes_at_us: number | null;
    up_only: boolean;
    board_id: string | null;
    last_id: string;
    fallback_votes: number;
    is_incomplete: boolean;
    votes: [string, VoteType, string, string][];
  }>(READ_COLD_PROJECT, [projectId, maxVoters + 1, shard]);
  const [row] = rows;
  if (row === undefined) return null;
  const votes = row.votes.length > maxVoters ? null : row.votes.map(toVoteRow);
  return {
    id: projectId,
    upvotes: row.upvotes,
    downvotes: row.downvotes,
    version: row.version,
    period: row.period,
    opensAtUs: row.opens_at_us,
    closesAtUs: row.closes_at_us,
    upOnly: row.up_only,
    boardId: row.board_id,
    about: { title: row.title, url: row.url, ownerId: row.owner_id, createdAtMs: row.created_at.getTime() },
    votes,
    lastId: row.last_id,
    fallbackVotes: row.fallback_votes,
    isIncomplete: row.is_incomplete,
  };
}

function toVoteRow([userId, voteType, version, givenAtUs]: [string, VoteType, string, string]): VoteRow {
  return { userId, voteType, version: Number(version), givenAtUs: Number(givenAtUs) };
}

/** One user's vote, `null` when there never was one. */
export async function readVote(
  pool: pg.Pool,
  vote: { projectId: string; period: number; userId: string },
): Promise<VoteRow | null> {
  const { rows } = await pool.query<{ vote_type: VoteType; version: number; voted_at_us: number }>(
    `SELECT vote_type, version, ${US("voted_at")} AS voted_at_us
       FROM votes
      WHERE project_id = $1 AND period = $2 AND user_id = $3`,
    [vote.projectId, vote.period, vote.userId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return { userId: vote.userId, voteType: row.vote_type, version: row.version, givenAtUs: row.voted_at_us };
}
