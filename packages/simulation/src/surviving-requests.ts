/** Of which requests a store still has something: what a disaster has left. */
import { tryParseEvent } from "@votesync/core";
import { readEvents, STREAM_START } from "@votesync/redis-store";
import { SHARDS, type TwoStores } from "./two-stores.js";

const ENTRIES = 10_000;

export async function requestsInPostgres({ pool }: TwoStores, schema: "public" | "copy"): Promise<Set<string>> {
  const partitions = await pool.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'public.vote_events'::regclass",
  );
  const tables = partitions.rows.map(({ name }) => `SELECT request_id FROM ${schema}.${name}`);
  const { rows } = await pool.query<{ request_id: string }>(tables.join(" UNION "));
  return new Set(rows.map(({ request_id }) => request_id));
}

/** Those whose events the streams hold. */
export async function requestsInRedis({ redis, names }: TwoStores): Promise<Set<string>> {
  const requests = new Set<string>();
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const { wire } of await readEvents(redis, names, { shard, afterId: STREAM_START, count: ENTRIES })) {
      const event = tryParseEvent(wire);
      if (event !== null && "requestId" in event) requests.add(event.requestId);
    }
  }
  return requests;
}
