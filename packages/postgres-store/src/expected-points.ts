/** What some users' points on a board must be in Redis, which may not have given all moves of the ledger yet. */
import type { GivenMoves, PointsOfVotes } from "@votesync/core";
import type pg from "pg";
import type { CountedSpan } from "./count-points.js";

/** One statement, so one snapshot: what is counted, less what the moves since the given ones gave. */
const EXPECTED = `
  WITH counted AS (
    SELECT p.owner_id AS user_id, CASE v.vote_type WHEN 'up' THEN $4::bigint ELSE $5::bigint END AS points
      FROM projects p JOIN votes v ON v.project_id = p.id
     WHERE p.owner_id = ANY($1) AND v.vote_type <> 'none' AND v.voted_at >= $2 AND v.voted_at < $3
     UNION ALL
    SELECT user_id, points FROM score_events WHERE user_id = ANY($1) AND given_at >= $2 AND given_at < $3
  ), later AS (
    SELECT moved.user_id, -(moved.up * $4::bigint + moved.down * $5::bigint + coalesce(moved.by_hand, 0)) AS points
      FROM point_moves m LEFT JOIN unnest($6::int[], $7::bigint[]) AS g (shard, id) USING (shard)
     CROSS JOIN LATERAL unnest(m.user_ids, m.quarters, m.upvotes, m.downvotes, m.points)
                     AS moved (user_id, quarter, up, down, by_hand)
     WHERE m.id > coalesce(g.id, 0) AND moved.user_id = ANY($1)
       AND to_timestamp(moved.quarter * 900::bigint) >= $2 AND to_timestamp(moved.quarter * 900::bigint) < $3
  )
  SELECT u.user_id, coalesce(sum(points), 0)::bigint AS points
    FROM unnest($1::text[]) AS u (user_id)
    LEFT JOIN (SELECT * FROM counted UNION ALL SELECT * FROM later) parts USING (user_id)
   GROUP BY u.user_id`;

/** @param o.given shard → the last of its moves that Redis had given when its points were read */
export async function readExpectedPoints(
  pool: pg.Pool,
  o: { userIds: readonly string[]; span: CountedSpan; points: PointsOfVotes; given: GivenMoves },
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ user_id: string; points: number }>(EXPECTED, [
    o.userIds,
    o.span.from,
    o.span.to,
    o.points.up,
    o.points.down,
    [...o.given.keys()],
    [...o.given.values()].map(({ id }) => id),
  ]);
  return new Map(rows.map((row) => [row.user_id, row.points]));
}
