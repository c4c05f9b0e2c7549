/**
 * Sort keys of lists, brought up to date now and then instead of with every vote: a vote then touches no index of
 * `projects`, and its updates stay within their page.
 */
import { hotRank, voteCount, wilsonLowerBound } from "@votesync/core";
import type pg from "pg";

const PROJECTS_PER_BATCH = 1_000;

const STALE = `
  SELECT id, upvotes, downvotes, version, (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms
    FROM projects
   WHERE ranked_version <> version
   LIMIT ${PROJECTS_PER_BATCH}`;

const REFRESH = `
  UPDATE projects p
     SET rank_top = r.top, rank_best = r.best, rank_hot = r.hot, ranked_version = r.version
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[]) AS r (id, version, top, best, hot)
   WHERE p.id = r.id`;

interface StaleRow {
  id: string;
  upvotes: number;
  downvotes: number;
  version: number;
  created_at_ms: number;
}

/** Refreshes at most one batch. @returns how many; as many as a batch holds means there may be more. */
export async function refreshRankings(pool: pg.Pool): Promise<{ refreshed: number; more: boolean }> {
  const { rows } = await pool.query<StaleRow>(STALE);
  if (rows.length === 0) return { refreshed: 0, more: false };
  await pool.query(REFRESH, [
    rows.map((row) => row.id),
    rows.map((row) => row.version),
    rows.map(voteCount),
    rows.map(wilsonLowerBound),
    rows.map((row) => hotRank(row, row.created_at_ms)),
  ]);
  return { refreshed: rows.length, more: rows.length === PROJECTS_PER_BATCH };
}
