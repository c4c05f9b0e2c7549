/**
 * Events that failed for a reason of their own: parked, tried again a few times, and in the end dead letters.
 *
 * An entry is in exactly one place: applied, parked, or a dead letter. Each step is one transaction, and each is
 * conditional on what was read before, so workers that both believe they hold a shard take it once. A try locks the
 * shard, as a batch does; whatever was applied meanwhile is newer and stays, because versions decide.
 */
import type { StreamEvent } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";
import {
  type AppliedCounts,
  type AppliedEvent,
  applyToRows,
  isVote,
  NO_SUCH_PROJECT,
  readShardFacts,
} from "./vote-rows.js";

export interface FailedEntry {
  streamId: string;
  fields: string[];
  /** What the entry says, where it could be read. */
  event?: StreamEvent;
  error: string;
}

export interface ParkedEntry {
  shard: number;
  streamId: string;
  fields: string[];
  /** Tries so far, the first one included. */
  attempts: number;
}

/** The event cannot be applied as things are; trying it again later may help. */
export class EventRefusedError extends Error {
  override readonly name = "EventRefusedError";
  constructor(readonly reason: string) {
    super("the event cannot be applied");
  }
}

const PARK = `
  INSERT INTO parked_events (shard, stream_id, fields, project_id, user_id, request_id, error, attempts, next_attempt_at)
  SELECT $1, stream_id, ARRAY(SELECT jsonb_array_elements_text(fields)), project_id, user_id, request_id, error, 1, $3
    FROM jsonb_to_recordset($2) AS e (stream_id text, fields jsonb, project_id text, user_id text, request_id text,
                                      error text)
  ON CONFLICT DO NOTHING`;

/** Within the transaction that moves `last_id` over the entries. */
export async function parkEntries(
  client: pg.PoolClient,
  o: { shard: number; entries: readonly FailedEntry[]; retryAt: Date },
): Promise<void> {
  const rows = o.entries.map(({ streamId, fields, event, error }) => ({
    stream_id: streamId,
    fields: fields.map(withoutNul),
    project_id: event?.projectId ?? null,
    user_id: event !== undefined && "userId" in event ? event.userId : null,
    request_id: event !== undefined && "requestId" in event ? event.requestId : null,
    error: withoutNul(error),
  }));
  await client.query(PARK, [o.shard, JSON.stringify(rows), o.retryAt]);
}

/**
 * PostgreSQL's text cannot hold NUL; a report of a broken entry must not break in turn. A noncharacter stands in, which
 * no event may hold either: what could not be parsed does not become an event by being stored.
 */
const withoutNul = (text: string) => text.replaceAll("\0", "\uFFFF");

/** The entries of these shards that are to be tried again by now, longest waiting first. */
export async function findDueEntries(
  pool: pg.Pool,
  o: { shards: readonly number[]; now: Date; limit: number },
): Promise<ParkedEntry[]> {
  const { rows } = await pool.query<ParkedEntry>(
    `SELECT shard, stream_id AS "streamId", fields, attempts
       FROM parked_events
      WHERE next_attempt_at <= $2 AND shard = ANY($1)
      ORDER BY next_attempt_at LIMIT $3`,
    [o.shards, o.now, o.limit],
  );
  return rows;
}

/**
 * Tries a parked entry once more.
 * @returns `null` when somebody else was faster
 * @throws {EventRefusedError} and what PostgreSQL throws; the entry stays as it was
 */
export async function retryEntry(
  pool: pg.Pool,
  parked: ParkedEntry,
  event: StreamEvent,
): Promise<AppliedCounts[] | null> {
  const applied: AppliedEvent = { streamId: parked.streamId, fields: parked.fields, event };
  return inTransaction(pool, async (client) => {
    await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [parked.shard]);
    if (!(await unpark(client, parked))) return null;
    const { missing, sawFallback } = await readShardFacts(client, parked.shard, [applied].filter(isVote));
    if (missing.size > 0) throw new EventRefusedError(NO_SUCH_PROJECT);
    return applyToRows(client, parked.shard, [applied], sawFallback);
  });
}

const SAME_ENTRY = "shard = $1 AND stream_id = $2 AND attempts = $3";
const keyOf = ({ shard, streamId, attempts }: ParkedEntry) => [shard, streamId, attempts];

async function unpark(client: pg.PoolClient, parked: ParkedEntry): Promise<boolean> {
  const { rowCount } = await client.query(`DELETE FROM parked_events WHERE ${SAME_ENTRY}`, keyOf(parked));
  return rowCount === 1;
}

/** It failed once more and waits for its next try. @returns `false` when somebody else was faster */
export async function parkAgain(
  pool: pg.Pool,
  parked: ParkedEntry,
  o: { error: string; retryAt: Date },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE parked_events SET attempts = attempts + 1, error = $4, next_attempt_at = $5 WHERE ${SAME_ENTRY}`,
    [...keyOf(parked), withoutNul(o.error), o.retryAt],
  );
  return rowCount === 1;
}

/** It was not tried, and is looked at again later. */
export async function postponeEntry(pool: pg.Pool, parked: ParkedEntry, retryAt: Date): Promise<void> {
  await pool.query(`UPDATE parked_events SET next_attempt_at = $4 WHERE ${SAME_ENTRY}`, [...keyOf(parked), retryAt]);
}

/** It failed for the last time and becomes a dead letter. @returns `false` when somebody else was faster */
export async function buryEntry(pool: pg.Pool, parked: ParkedEntry, error: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `WITH parked AS (DELETE FROM parked_events WHERE ${SAME_ENTRY} RETURNING *)
     INSERT INTO dead_letters (shard, stream_id, fields, project_id, user_id, request_id, error, attempts)
     SELECT shard, stream_id, fields, project_id, user_id, request_id, $4, attempts + 1 FROM parked
     ON CONFLICT DO NOTHING`,
    [...keyOf(parked), withoutNul(error)],
  );
  return rowCount === 1;
}

/** Whether any event waits for its next try. */
export async function hasParkedEvents(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ found: boolean }>("SELECT EXISTS (SELECT FROM parked_events) AS found");
  return rows[0]?.found === true;
}

/** What waits on these shards, for a gauge. */
export async function countFailures(
  pool: pg.Pool,
  shards: readonly number[],
): Promise<{ parked: number; deadLetters: number }> {
  const { rows } = await pool.query<{ parked: number; deadLetters: number }>(
    `SELECT (SELECT count(*) FROM parked_events WHERE shard = ANY($1)) AS parked,
            (SELECT count(*) FROM dead_letters WHERE shard = ANY($1) AND resolution IS NULL) AS "deadLetters"`,
    [shards],
  );
  return rows[0] ?? { parked: 0, deadLetters: 0 };
}
