/**
 * From events to rows: one transaction applies a stretch of a shard's stream and moves the shard's `last_id` over it.
 *
 * The transaction starts by moving `last_id` from the id the batch began at. If somebody else has moved it, nothing
 * happens and `ShardMovedError` says so; so every event is applied exactly once, whoever is killed or believes itself
 * alone. The row stays locked until the commit: whoever else writes votes of this shard must lock it first.
 *
 * Counters move by what the rows really did: a stale event (older than its row) moves nothing. A vote that the fallback
 * took as well, because its answer from Redis got lost, is left out: its rows and its event are there.
 */
import type { CountsEvent, StreamEvent, VoteEvent } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

/** Another worker has applied events of this shard since the batch was read. */
export class ShardMovedError extends Error {
  override readonly name = "ShardMovedError";
  constructor(readonly shard: number) {
    super("the shard's last id was moved by somebody else");
  }
}

export interface AppliedEvent {
  /** Its id in the stream. */
  streamId: string;
  event: StreamEvent;
}

interface AppliedVote {
  streamId: string;
  event: VoteEvent;
}

/** An entry no retry would mend, kept for a person to look at. */
export interface DeadEntry {
  streamId: string;
  fields: string[];
  error: string;
}

export interface EventBatch {
  shard: number;
  /** The shard's last id when the batch was read. */
  fromId: string;
  /** The id of the batch's last entry. */
  toId: string;
  /** In the order of the stream. */
  events: AppliedEvent[];
  dead: DeadEntry[];
}

/** Counters of a project after the batch, as PostgreSQL has them. */
export interface AppliedCounts {
  projectId: string;
  period: number;
  upvotes: number;
  downvotes: number;
}

/**
 * @returns the counters of each project the batch changed
 * @throws {ShardMovedError} nothing was written
 */
export async function applyEvents(pool: pg.Pool, batch: EventBatch): Promise<AppliedCounts[]> {
  return inTransaction(pool, async (client) => {
    const { sawFallback } = await moveLastId(client, batch);
    if (batch.dead.length > 0) await insertDeadEntries(client, batch);
    const all = votesOf(batch.events);
    const votes = sawFallback ? await withoutFallbackVotes(client, all) : all;
    const counts = votes.length === 0 ? [] : await applyVotes(client, votes);
    return [...counts, ...(await applyCounts(client, batch.events))];
  });
}

/** @returns whether the fallback took votes of this shard lately */
async function moveLastId(
  client: pg.PoolClient,
  { shard, fromId, toId }: EventBatch,
): Promise<{ sawFallback: boolean }> {
  const { rows } = await client.query<{ saw_fallback: boolean }>(
    `UPDATE shard_progress SET last_id = $3, updated_at = now() WHERE shard = $1 AND last_id = $2
     RETURNING EXISTS (SELECT FROM outbox WHERE shard = $1) AS saw_fallback`,
    [shard, fromId, toId],
  );
  const [row] = rows;
  if (row === undefined) throw new ShardMovedError(shard);
  return { sawFallback: row.saw_fallback };
}

function votesOf(events: AppliedEvent[]): AppliedVote[] {
  return events.filter((applied): applied is AppliedVote => applied.event.kind === "vote");
}

async function withoutFallbackVotes(client: pg.PoolClient, votes: AppliedVote[]): Promise<AppliedVote[]> {
  const { rows } = await client.query<{ request_id: string }>(
    "SELECT request_id FROM outbox WHERE request_id = ANY($1)",
    [votes.map(({ event }) => event.requestId)],
  );
  const taken = new Set(rows.map(({ request_id }) => request_id));
  return votes.filter(({ event }) => !taken.has(event.requestId));
}

async function applyVotes(client: pg.PoolClient, votes: AppliedVote[]): Promise<AppliedCounts[]> {
  await insertEvents(client, votes);
  return upsertVotes(client, lastVotes(votes));
}

/** Counters read anew or repaired only carry the version on: what they say came from here. */
async function applyCounts(client: pg.PoolClient, events: AppliedEvent[]): Promise<AppliedCounts[]> {
  const counts = events.map(({ event }) => event).filter((event): event is CountsEvent => event.kind === "counts");
  if (counts.length === 0) return [];
  const { rows } = await client.query<CountersRow>(
    `UPDATE projects p SET version = greatest(p.version, c.version)
       FROM (SELECT project_id, max(version) AS version
               FROM unnest($1::text[], $2::bigint[]) AS c (project_id, version) GROUP BY project_id) c
      WHERE p.id = c.project_id
     RETURNING p.id, p.period, p.upvotes, p.downvotes`,
    [counts.map(({ projectId }) => projectId), counts.map(({ version }) => version)],
  );
  return rows.map(toCounts);
}

interface CountersRow {
  id: string;
  period: number;
  upvotes: number;
  downvotes: number;
}

const toCounts = ({ id, period, upvotes, downvotes }: CountersRow): AppliedCounts => ({
  projectId: id,
  period,
  upvotes,
  downvotes,
});

async function insertDeadEntries(client: pg.PoolClient, { shard, dead }: EventBatch): Promise<void> {
  for (const { streamId, fields, error } of dead) {
    await client.query(
      "INSERT INTO dead_letters (shard, stream_id, fields, error) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
      [shard, streamId, fields.map(withoutNul), withoutNul(error)],
    );
  }
}

/** PostgreSQL's text cannot hold NUL; a report of a broken entry must not break in turn. */
const withoutNul = (text: string) => text.replaceAll("\0", "\uFFFD");

/** `timestamptz` out of µs since 1970, exactly: a float of seconds would be off by one now and then. */
const AT = (us: string) => `'epoch'::timestamptz + ${us} * interval '1 microsecond'`;

const INSERT_EVENTS = `
  INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                           upvotes, downvotes, request_id, stream_id)
  SELECT project_id, version, ${AT("accepted_at_us")}, period, user_id, action, vote_type, previous_vote_type,
         upvotes, downvotes, request_id, stream_id
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::vote_action[], $7::vote_type[],
                $8::vote_type[], $9::bigint[], $10::bigint[], $11::text[], $12::text[])
      AS e (project_id, version, accepted_at_us, period, user_id, action, vote_type, previous_vote_type,
            upvotes, downvotes, request_id, stream_id)`;

async function insertEvents(client: pg.PoolClient, applied: AppliedVote[]): Promise<void> {
  const column = <T>(value: (event: VoteEvent) => T) => applied.map(({ event }) => value(event));
  await client.query({
    name: "insert-vote-events",
    text: INSERT_EVENTS,
    values: [
      column((e) => e.projectId),
      column((e) => e.version),
      column((e) => e.acceptedAtUs),
      column((e) => e.period),
      column((e) => e.userId),
      column((e) => e.action),
      column((e) => e.voteType),
      column((e) => e.previousVoteType),
      column((e) => e.upvotes),
      column((e) => e.downvotes),
      column((e) => e.requestId),
      applied.map(({ streamId }) => streamId),
    ],
  });
}

/** A batch folded to the last vote per project, period and user, in the order the rows are touched. */
function lastVotes(applied: AppliedVote[]): VoteEvent[] {
  const last = new Map<string, VoteEvent>();
  for (const { event } of applied) last.set(`${event.projectId}\n${event.period}\n${event.userId}`, event);
  return [...last.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, event]) => event);
}

/**
 * `before` and `written` together give the transitions that really happened. Both look at the same rows under the lock
 * on the shard, so nothing moves between them.
 */
const UPSERT_VOTES = `
  WITH incoming AS (
    SELECT project_id, period, user_id, vote_type, version, ${AT("voted_at_us")} AS voted_at
      FROM unnest($1::text[], $2::int[], $3::text[], $4::vote_type[], $5::bigint[], $6::bigint[])
        AS i (project_id, period, user_id, vote_type, version, voted_at_us)
  ), before AS (
    SELECT project_id, period, user_id, v.vote_type FROM votes v JOIN incoming USING (project_id, period, user_id)
  ), written AS (
    INSERT INTO votes AS v (project_id, period, user_id, vote_type, version, voted_at)
    SELECT project_id, period, user_id, vote_type, version, voted_at FROM incoming
    ON CONFLICT (project_id, period, user_id) DO UPDATE
      SET vote_type = excluded.vote_type, version = excluded.version, voted_at = excluded.voted_at
      WHERE v.version < excluded.version
    RETURNING project_id, period, user_id, vote_type, version
  ), seen AS (
    SELECT project_id, period, max(version) AS version FROM incoming GROUP BY project_id, period
  ), moved AS (
    SELECT project_id, period,
           sum((w.vote_type = 'up')::int - coalesce((b.vote_type = 'up')::int, 0)) AS upvotes,
           sum((w.vote_type = 'down')::int - coalesce((b.vote_type = 'down')::int, 0)) AS downvotes
      FROM written w LEFT JOIN before b USING (project_id, period, user_id)
     GROUP BY project_id, period
  )
  UPDATE projects p
     SET upvotes = p.upvotes + coalesce(m.upvotes, 0), downvotes = p.downvotes + coalesce(m.downvotes, 0),
         version = greatest(p.version, s.version)
    FROM seen s LEFT JOIN moved m USING (project_id, period)
   WHERE p.id = s.project_id AND p.period = s.period
  RETURNING p.id, p.period, p.upvotes, p.downvotes`;

async function upsertVotes(client: pg.PoolClient, votes: VoteEvent[]): Promise<AppliedCounts[]> {
  const { rows } = await client.query<CountersRow>({
    name: "upsert-votes",
    text: UPSERT_VOTES,
    values: [
      votes.map((v) => v.projectId),
      votes.map((v) => v.period),
      votes.map((v) => v.userId),
      votes.map((v) => v.voteType),
      votes.map((v) => v.version),
      votes.map((v) => v.acceptedAtUs),
    ],
  });
  return rows.map(toCounts);
}
