/** Of which wishes a store still has something: what a disaster has left. */
import { tryParseEvent } from "@votesync/core";
import { readEvents, STREAM_START } from "@votesync/redis-store";
import type { Wish } from "./model.js";
import { PROJECTS } from "./steps.js";
import { SHARDS, type TwoStores } from "./two-stores.js";

const ENTRIES = 10_000;
/** Projects here never leave their first period. */
const PERIOD = 0;

type IsThere = (wish: Wish) => boolean;

const sentAs =
  (requests: ReadonlySet<string>): IsThere =>
  ({ requestIds }) =>
    [...requestIds].some((id) => requests.has(id));

export async function wishesInPostgres({ pool }: TwoStores, schema: "public" | "copy"): Promise<IsThere> {
  const partitions = await pool.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'public.vote_events'::regclass",
  );
  const tables = partitions.rows.map(({ name }) => `SELECT request_id FROM ${schema}.${name}`);
  const { rows } = await pool.query<{ request_id: string }>(tables.join(" UNION "));
  return sentAs(new Set(rows.map(({ request_id }) => request_id)));
}

/** In the streams, or in what is loaded: that vote, or a newer one of the same user. */
export async function wishesInRedis(stores: TwoStores): Promise<IsThere> {
  const isStreamed = sentAs(await streamedRequests(stores));
  const versions = await loadedVersions(stores);
  return (wish) => {
    const loaded = versions.get(`${wish.user} ${wish.project}`);
    return isStreamed(wish) || (loaded !== undefined && wish.version > 0 && loaded >= wish.version);
  };
}

async function streamedRequests({ redis, names }: TwoStores): Promise<Set<string>> {
  const requests = new Set<string>();
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const { wire } of await readEvents(redis, names, { shard, afterId: STREAM_START, count: ENTRIES })) {
      const event = tryParseEvent(wire);
      if (event !== null && "requestId" in event) requests.add(event.requestId);
    }
  }
  return requests;
}

/** `user project` → the version of the vote that Redis has loaded. */
async function loadedVersions({ redis, names }: TwoStores): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for (const project of PROJECTS) {
    const [version, held] = await redis.hmget(names.project(project), "version", "held");
    if (version === null || held !== null) continue;
    for (const [user, vote] of Object.entries(await redis.hgetall(names.votes(project, PERIOD)))) {
      versions.set(`${user} ${project}`, Number(vote.split(":")[1]));
    }
  }
  return versions;
}
