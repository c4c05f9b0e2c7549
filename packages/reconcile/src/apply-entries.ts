/**
 * A stretch of a shard's event stream becomes rows, whatever stands in it: what is no event, or is refused by PostgreSQL for its
 * data, is parked, and nothing is passed over. For the worker of a shard, and for whoever brings over what PostgreSQL lost.
 */
import { MalformedEventError, parseEvent, type StreamEvent, tryParseEvent } from "@votesync/core";
import {
  type AppliedCounts,
  type AppliedEvent,
  applyEvents,
  type FailedEntry,
  isDataError,
} from "@votesync/postgres-store";
import type { StreamEntry } from "@votesync/redis-store";
import type pg from "pg";

export interface EntriesToApply {
  shard: number;
  /** The shard's watermark. */
  fromId: string;
  /** In the order of the stream, of no newer release. */
  entries: readonly StreamEntry[];
  /** When what fails is tried again. */
  retryAt: Date;
  onCommit?: (committed: CommittedEntries) => Promise<void>;
}

export interface CommittedEntries {
  /** The watermark now. */
  toId: string;
  /** Those that were not parked. */
  events: AppliedEvent[];
  parked: FailedEntry[];
  counts: AppliedCounts[];
}

/**
 * A batch that PostgreSQL refuses for its data is halved until the one entry at fault stands alone.
 * @throws {ShardMovedError} and what else keeps PostgreSQL from it; what was committed before stays
 */
export async function applyEntries(pool: pg.Pool, batch: EntriesToApply): Promise<void> {
  const { entries } = batch;
  try {
    await commit(pool, batch, decode(entries));
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (entries.length === 1) return commit(pool, batch, { events: [], failed: refused(entries, error) });
    const middle = entries.length >> 1;
    const [first, second] = [entries.slice(0, middle), entries.slice(middle)];
    await applyEntries(pool, { ...batch, entries: first });
    await applyEntries(pool, { ...batch, entries: second, fromId: lastIdOf(first) });
  }
}

async function commit(
  pool: pg.Pool,
  { shard, fromId, entries, retryAt, onCommit }: EntriesToApply,
  { events, failed }: { events: AppliedEvent[]; failed: FailedEntry[] },
): Promise<void> {
  const toId = lastIdOf(entries);
  const { counts, parked } = await applyEvents(pool, { shard, fromId, toId, events, failed, retryAt });
  await onCommit?.({ toId, events: withoutParked(events, parked), parked, counts });
}

const lastIdOf = (entries: readonly StreamEntry[]) => (entries.at(-1) as StreamEntry).id;

function decode(entries: readonly StreamEntry[]): { events: AppliedEvent[]; failed: FailedEntry[] } {
  const events: AppliedEvent[] = [];
  const failed: FailedEntry[] = [];
  for (const { id, wire, fields } of entries) {
    try {
      events.push({ streamId: id, fields, event: parseEvent(wire) });
    } catch (error) {
      if (!(error instanceof MalformedEventError)) throw error;
      failed.push({ streamId: id, fields, error: error.reason });
    }
  }
  return { events, failed };
}

function withoutParked(events: AppliedEvent[], parked: FailedEntry[]): AppliedEvent[] {
  if (parked.length === 0) return events;
  const ids = new Set(parked.map(({ streamId }) => streamId));
  return events.filter(({ streamId }) => !ids.has(streamId));
}

const refused = (entries: readonly StreamEntry[], refusal: Error): FailedEntry[] =>
  entries.map(({ id, wire, fields }) => ({
    streamId: id,
    fields,
    error: refusal.message,
    ...eventOf(tryParseEvent(wire)),
  }));

const eventOf = (event: StreamEvent | null) => (event === null ? {} : { event });
