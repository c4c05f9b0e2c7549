/**
 * A request id names its shard and its moment: `<shard>.<uuid v7>`. The shard says where its state lies without
 * asking for the project; the uuid's time keeps inserts at the right edge of PostgreSQL's index.
 */
const REQUEST_ID = /^(\d{1,4})\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function makeRequestId(shard: number, uuid: string): string {
  return `${shard}.${uuid}`;
}

/** The shard in a request id, or `null` when it is none of ours (wrong form, or a shard that does not exist). */
export function shardOfRequestId(requestId: string, shards: number): number | null {
  const match = REQUEST_ID.exec(requestId);
  const shard = match === null ? Number.NaN : Number(match[1]);
  return shard < shards ? shard : null;
}
