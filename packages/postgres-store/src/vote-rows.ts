/**
 * What events do to the rows. Used inside a transaction that has locked the shard: by the batches of `apply-events.ts`,
 * and for a single event that is tried again (`parked-events.ts`).
 *
 * Counters move by what the rows really did: a stale event (older than its row) moves nothing, but stands in the audit log.
 * An event that is there already changes nothing at all. A vote that the fallback took as well, because its answer from
 * Redis got lost, is left out: its rows and its event are there.
 */
import type { CountsEvent, StreamEvent, VoteEvent } from "@votesync/core";
import type pg from "pg";

export interface AppliedEvent {
  /** Its id in the stream. */
  streamId: string;
  /** The entry as it stood in the stream, for a report when it cannot be applied. */
  fields: string[];
  event: StreamEvent;
}

export interface AppliedVote extends AppliedEvent {
  event: VoteEvent;
}

/** Counters of a project after the events, as PostgreSQL has them. */
export interface AppliedCounts {
  projectId: string;
  period: number;
  upvotes: number;
  downvotes: number;
  /** Events of the project are parked: its counters cannot be those of Redis now. */
  parked: boolean;
}

/** `persisted` events came from rows, and have nothing to say to them. */
export const isVote = (applied: AppliedEvent): applied is AppliedVote => applied.event.kind === "vote";

/** Why a vote on a project that is not in `projects` fails. */
export const NO_SUCH_PROJECT = "there is no such project";

/** Of the votes' projects, those that do not exist. */
export async function findMissingProjects(client: pg.PoolClient, votes: AppliedVote[]): Promise<Set<string>> {
  const ids = new Set(votes.map(({ event }) => event.projectId));
  if (ids.size === 0) return ids;
  const { rows } = await client.query<{ id: string }>({
    name: "find-projects",
    text: "SELECT id FROM projects WHERE id = ANY($1)",
    values: [[...ids]],
  });
  for (const { id } of rows) ids.delete(id);
  return ids;
}

/**
 * @param sawFallback whether the fallback took votes of this shard lately
 * @returns the counters of each project the events were about
 */
export async function applyToRows(
  client: pg.PoolClient,
  events: AppliedEvent[],
  sawFallback: boolean,
): Promise<AppliedCounts[]> {
  const all = events.filter(isVote);
  const votes = sawFallback ? await withoutFallbackVotes(client, all) : all;
  const counts = votes.length === 0 ? [] : await applyVotes(client, votes);
  return [...counts, ...(await applyCounts(client, events))];
}

const IS_PARKED = "EXISTS (SELECT FROM parked_events WHERE project_id = p.id) AS parked";

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
     RETURNING p.id, p.period, p.upvotes, p.downvotes, ${IS_PARKED}`,
    [counts.map(({ projectId }) => projectId), counts.map(({ version }) => version)],
  );
  return rows.map(toCounts);
}

interface CountersRow {
  id: string;
  period: number;
  upvotes: number;
  downvotes: number;
  parked: boolean;
}

const toCounts = ({ id, ...counters }: CountersRow): AppliedCounts => ({ projectId: id, ...counters });

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
            upvotes, downvotes, request_id, stream_id)
  ON CONFLICT DO NOTHING`;

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

/** Folded to the newest vote per project, period and user, in the order the rows are touched. */
function lastVotes(applied: AppliedVote[]): VoteEvent[] {
  const last = new Map<string, VoteEvent>();
  for (const { event } of applied) {
    const key = `${event.projectId}\n${event.period}\n${event.userId}`;
    if ((last.get(key)?.version ?? 0) <= event.version) last.set(key, event);
  }
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
  RETURNING p.id, p.period, p.upvotes, p.downvotes, ${IS_PARKED}`;

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
