/** What PostgreSQL lost and Redis still has, written back: projects, and votes that no event stream holds any more. */
import type { VoteAction, VoteType } from "@votesync/core";
import type pg from "pg";
import { AT } from "./sql-times.js";
import { inTransaction } from "./transaction.js";
import { upsertVotes, type VoteWrite } from "./upsert-votes.js";

export interface LostProject {
  id: string;
  title: string;
  url: string | null;
  ownerId: string;
  boardId: string | null;
  createdAtMs: number;
  upOnly: boolean;
  opensAtUs: number | null;
  closesAtUs: number | null;
  period: number;
}

/** Of these ids, those of projects that do not exist. */
export async function findUnknownProjects(pool: pg.Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    "SELECT id FROM unnest($1::text[]) AS i (id) WHERE NOT EXISTS (SELECT FROM projects p WHERE p.id = i.id)",
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** One that exists by now stays as it is. */
export async function makeProjectAgain(pool: pg.Pool, project: LostProject): Promise<void> {
  await pool.query(
    `INSERT INTO projects (id, title, url, owner_id, board_id, created_at, up_only, opens_at, closes_at, period)
     VALUES ($1, $2, $3, $4, $5, 'epoch'::timestamptz + $6::bigint * interval '1 millisecond', $7, ${AT("$8::bigint")}, ${AT("$9::bigint")}, $10)
     ON CONFLICT DO NOTHING`,
    [
      project.id,
      project.title,
      project.url,
      project.ownerId,
      project.boardId,
      project.createdAtMs,
      project.upOnly,
      project.opensAtUs,
      project.closesAtUs,
      project.period,
    ],
  );
}

/** Of these users' votes in one period, what the rows say. */
export async function readVoteStamps(
  pool: pg.Pool,
  o: { projectId: string; period: number; userIds: readonly string[] },
): Promise<Map<string, { voteType: VoteType; stamp: number }>> {
  const { rows } = await pool.query<{ user_id: string; vote_type: VoteType; version: number }>(
    "SELECT user_id, vote_type, version FROM votes WHERE project_id = $1 AND period = $2 AND user_id = ANY($3)",
    [o.projectId, o.period, o.userIds],
  );
  return new Map(rows.map((row) => [row.user_id, { voteType: row.vote_type, stamp: row.version }]));
}

/** A vote that stands in Redis, and what it changes in the rows. */
export interface BroughtVote extends VoteWrite {
  requestId: string;
  action: VoteAction;
  previousVoteType: VoteType;
}

/** A microsecond after its stamp, which no event is accepted at: should the vote's own event come yet, both stand in the log. */
const INSERT_EVENTS = `
  INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                           upvotes, downvotes, request_id, stream_id)
  SELECT project_id, stamp, ${AT("(stamp + 1)")}, period, user_id, action, vote_type, previous_vote_type, 0, 0, request_id, 'redis'
    FROM unnest($1::text[], $2::bigint[], $3::int[], $4::text[], $5::vote_action[], $6::vote_type[], $7::vote_type[], $8::text[])
      AS e (project_id, stamp, period, user_id, action, vote_type, previous_vote_type, request_id)
  ON CONFLICT DO NOTHING`;

/** Writes votes of different registers. What is newer in the rows stays. */
export async function bringVotesOver(pool: pg.Pool, shard: number, votes: readonly BroughtVote[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [shard]);
    await client.query(INSERT_EVENTS, [
      votes.map((v) => v.projectId),
      votes.map((v) => v.stamp),
      votes.map((v) => v.period),
      votes.map((v) => v.userId),
      votes.map((v) => v.action),
      votes.map((v) => v.voteType),
      votes.map((v) => v.previousVoteType),
      votes.map((v) => v.requestId),
    ]);
    await upsertVotes(client, shard, votes);
  });
}
