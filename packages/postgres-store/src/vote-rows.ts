/**
 * What events do to the rows. Used inside a transaction that has locked the shard: by the batches of `apply-events.ts`,
 * and for a single event that is tried again (`parked-events.ts`).
 *
 * An event that is older than its row moves nothing, but stands in the audit log. An event that is there already changes nothing
 * at all. A request that the fallback took as well, because its answer from Redis got lost, is left out: its rows and its event
 * are there.
 */
import { type CountsEvent, isWish, type StreamEvent, type VoteEvent } from "@votesync/core";
import type pg from "pg";
import { readNewestInLog, settleKeys } from "./idempotency-keys.js";
import { endPeriods } from "./project-periods.js";
import { AT } from "./sql-times.js";
import {
  type AppliedCounts,
  type CountersRow,
  IS_PARKED,
  newestWrites,
  toCounts,
  upsertVotes,
  type VoteWrite,
} from "./upsert-votes.js";

export type { AppliedCounts } from "./upsert-votes.js";

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

export const isVote = (applied: AppliedEvent): applied is AppliedVote => isWish(applied.event);

/** Why a vote on a project that is not in `projects` fails. */
export const NO_SUCH_PROJECT = "there is no such project";

export interface ShardFacts {
  /** Of the votes' projects, those that do not exist. */
  missing: Set<string>;
  /** Whether the fallback took votes of this shard lately. */
  sawFallback: boolean;
}

/**
 * What must be known before events are applied. A statement of its own after the shard was locked: the one that locks it may have
 * waited, and sees the moment before.
 */
export async function readShardFacts(client: pg.PoolClient, shard: number, votes: AppliedVote[]): Promise<ShardFacts> {
  const ids = new Set(votes.map(({ event }) => event.projectId));
  const { rows } = await client.query<{ found: string[] | null; saw_fallback: boolean }>({
    name: "read-shard-facts",
    text: `SELECT (SELECT array_agg(id) FROM projects WHERE id = ANY($1)) AS found,
                  EXISTS (SELECT FROM outbox WHERE shard = $2) AS saw_fallback`,
    values: [[...ids], shard],
  });
  const [facts] = rows;
  for (const id of facts?.found ?? []) ids.delete(id);
  return { missing: ids, sawFallback: facts?.saw_fallback === true };
}

/** @returns the counters of each project the events were about */
export async function applyToRows(
  client: pg.PoolClient,
  shard: number,
  events: AppliedEvent[],
  sawFallback: boolean,
): Promise<AppliedCounts[]> {
  await endPeriods(client, events);
  const all = events.filter(isVote);
  const votes = sawFallback ? await withoutFallbackVotes(client, all) : all;
  const counts = votes.length === 0 ? [] : await applyVotes(client, shard, votes);
  return [...counts, ...(await applyCounts(client, events))];
}

async function withoutFallbackVotes(client: pg.PoolClient, votes: AppliedVote[]): Promise<AppliedVote[]> {
  const { rows } = await client.query<{ request_id: string }>(
    "SELECT request_id FROM outbox WHERE request_id = ANY($1)",
    [votes.map(({ event }) => event.requestId)],
  );
  const taken = new Set(rows.map(({ request_id }) => request_id));
  return votes.filter(({ event }) => !taken.has(event.requestId));
}

async function applyVotes(client: pg.PoolClient, shard: number, votes: AppliedVote[]): Promise<AppliedCounts[]> {
  const { events, undone } = await settleKeys(
    client,
    shard,
    votes.map(({ event }) => event),
  );
  const acting = new Set(events);
  await insertEvents(
    client,
    votes.filter(({ event }) => acting.has(event)),
  );
  const writes = events.map(toWrite);
  for (const register of undone) writes.push(await readNewestInLog(client, register));
  return upsertVotes(client, shard, newestWrites(writes));
}

/** A wish that changed nothing gives nothing anew: the vote was given when Redis says. */
function toWrite(event: VoteEvent): VoteWrite {
  const isOlder = event.kind === "unchanged" && event.voteType !== "none";
  return { ...event, givenAtUs: isOlder ? event.previousAtUs : event.acceptedAtUs };
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

const INSERT_EVENTS = `
  INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                           upvotes, downvotes, request_id, stream_id, project_version)
  SELECT project_id, stamp, ${AT("accepted_at_us")}, period, user_id, action, vote_type, previous_vote_type,
         upvotes, downvotes, request_id, stream_id, project_version
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::vote_action[], $7::vote_type[],
                $8::vote_type[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bigint[])
      AS e (project_id, stamp, accepted_at_us, period, user_id, action, vote_type, previous_vote_type,
            upvotes, downvotes, request_id, stream_id, project_version)
  ON CONFLICT DO NOTHING`;

async function insertEvents(client: pg.PoolClient, applied: AppliedVote[]): Promise<void> {
  const column = <T>(value: (event: VoteEvent) => T) => applied.map(({ event }) => value(event));
  await client.query({
    name: "insert-vote-events",
    text: INSERT_EVENTS,
    values: [
      column((e) => e.projectId),
      column((e) => e.stamp),
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
      column((e) => (e.version === e.stamp ? null : e.version)),
    ],
  });
}
