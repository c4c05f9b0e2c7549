/**
 * Community score of owners: the Wilson lower bound over all votes on their projects. Always computed anew from the
 * counters, so that computing it twice changes nothing.
 */
import { ADVISORY_LOCKS, wilsonLowerBound } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

export interface OwnerScore {
  ownerId: string;
  projects: number;
  upvotes: number;
  downvotes: number;
  /** 0–1 */
  score: number;
}

const SUMS = `
  SELECT owner_id, count(*)::int AS projects, sum(upvotes)::bigint AS upvotes, sum(downvotes)::bigint AS downvotes
    FROM projects WHERE owner_id = ANY ($1::text[]) GROUP BY owner_id`;

const CHANGED = `
  SELECT s.* FROM (${SUMS}) s LEFT JOIN owner_scores o USING (owner_id)
   WHERE (o.projects, o.upvotes, o.downvotes) IS DISTINCT FROM (s.projects, s.upvotes, s.downvotes)
   ORDER BY s.owner_id`;

const WRITE = `
  INSERT INTO owner_scores (owner_id, projects, upvotes, downvotes, score)
  SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::float8[])
  ON CONFLICT (owner_id) DO UPDATE
     SET projects = excluded.projects, upvotes = excluded.upvotes, downvotes = excluded.downvotes,
         score = excluded.score, updated_at = now()`;

interface SumRow {
  owner_id: string;
  projects: number;
  upvotes: number;
  downvotes: number;
}

/** @returns how many were not up to date */
export async function refreshOwnerScores(pool: pg.Pool, ownerIds: readonly string[]): Promise<number> {
  if (ownerIds.length === 0) return 0;
  return inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1, 0)", [ADVISORY_LOCKS.ownerScores]);
    const { rows } = await client.query<SumRow>(CHANGED, [ownerIds]);
    if (rows.length === 0) return 0;
    await client.query(WRITE, [
      rows.map((row) => row.owner_id),
      rows.map((row) => row.projects),
      rows.map((row) => row.upvotes),
      rows.map((row) => row.downvotes),
      rows.map(wilsonLowerBound),
    ]);
    return rows.length;
  });
}

/** The score as last refreshed; summed now for an owner nobody has voted on. `null` for one without projects. */
export async function findOwnerScore(pool: pg.Pool, ownerId: string): Promise<OwnerScore | null> {
  const kept = await pool.query<SumRow>("SELECT * FROM owner_scores WHERE owner_id = $1", [ownerId]);
  const row = kept.rows[0] ?? (await pool.query<SumRow>(SUMS, [[ownerId]])).rows[0];
  if (row === undefined) return null;
  const { projects, upvotes, downvotes } = row;
  return { ownerId, projects, upvotes, downvotes, score: wilsonLowerBound(row) };
}
