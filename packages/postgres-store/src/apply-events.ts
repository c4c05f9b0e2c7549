/**
 * From events to rows: one transaction applies a stretch of a shard's stream and moves the shard's `last_id` over it.
 *
 * The transaction starts by moving `last_id` from the id the batch began at. If somebody else has moved it, nothing
 * happens and `ShardMovedError` says so; so every event is applied exactly once, whoever is killed or believes itself
 * alone. The row stays locked until the commit: whoever else writes votes of this shard must lock it first.
 *
 * What cannot be applied for a reason of its own is parked in the same transaction, so no entry is ever passed over.
 */
import type pg from "pg";
import { type FailedEntry, parkEntries } from "./parked-events.js";
import { inTransaction } from "./transaction.js";
import {
  type AppliedCounts,
  type AppliedEvent,
  applyToRows,
  isVote,
  NO_SUCH_PROJECT,
  readShardFacts,
} from "./vote-rows.js";

/** Another worker has applied events of this shard since the batch was read. */
export class ShardMovedError extends Error {
  override readonly name = "ShardMovedError";
  constructor(readonly shard: number) {
    super("the shard's last id was moved by somebody else");
  }
}

export interface EventBatch {
  shard: number;
  /** The shard's last id when the batch was read. */
  fromId: string;
  /** The id of the batch's last entry. */
  toId: string;
  /** In the order of the stream. */
  events: AppliedEvent[];
  /** Entries already known to have failed: malformed, or refused when they were tried alone. */
  failed: FailedEntry[];
  /** When what fails is tried again. */
  retryAt: Date;
}

export interface BatchResult {
  /** The counters of each project the batch changed. */
  counts: AppliedCounts[];
  /** All that was parked. */
  parked: FailedEntry[];
}

/** @throws {ShardMovedError} nothing was written */
export async function applyEvents(pool: pg.Pool, batch: EventBatch): Promise<BatchResult> {
  return inTransaction(pool, async (client) => {
    await moveLastId(client, batch);
    const { shard } = batch;
    const { missing, sawFallback } = await readShardFacts(client, shard, batch.events.filter(isVote));
    const isMissing = (applied: AppliedEvent) => isVote(applied) && missing.has(applied.event.projectId);
    const ofMissing = missing.size === 0 ? [] : batch.events.filter(isMissing);
    const parked = [...batch.failed, ...ofMissing.map((applied) => ({ ...applied, error: NO_SUCH_PROJECT }))];
    if (parked.length > 0) await parkEntries(client, { shard, entries: parked, retryAt: batch.retryAt });
    const events = ofMissing.length === 0 ? batch.events : batch.events.filter((applied) => !isMissing(applied));
    return { counts: await applyToRows(client, shard, events, sawFallback), parked };
  });
}

async function moveLastId(client: pg.PoolClient, { shard, fromId, toId }: EventBatch): Promise<void> {
  const { rowCount } = await client.query({
    name: "move-last-id",
    text: "UPDATE shard_progress SET last_id = $3, updated_at = now() WHERE shard = $1 AND last_id = $2",
    values: [shard, fromId, toId],
  });
  if (rowCount !== 1) throw new ShardMovedError(shard);
}
