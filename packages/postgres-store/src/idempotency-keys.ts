/**
 * Idempotency-Keys as rows: one key of one user on one project acts once, whichever store took the request first.
 *
 * Redis knows its keys and the fallback knows these. A request that Redis took and no worker has applied yet is known to Redis
 * alone: repeated past it, it is taken twice. So whoever applies events claims the key of each; of two requests under one key
 * the one that was taken first has acted, and the other one is undone here.
 */
import type { VoteEvent, VoteType } from "@votesync/core";
import type pg from "pg";
import { requestReload } from "./pending-reloads.js";
import { AT, US } from "./sql-times.js";
import type { VoteWrite } from "./upsert-votes.js";

/** So long a key may be repeated. */
export const KEY_KEPT = "interval '1 day'";

export interface KeyedRequest {
  projectId: string;
  userId: string;
  key: string;
  fingerprint: string;
  requestId: string;
  acceptedAtUs: number;
}

/** A key that has had its day may be used again. */
const CLAIM = `
  INSERT INTO idempotency_keys AS k (project_id, user_id, key, fingerprint, request_id, accepted_at)
  SELECT project_id, user_id, key, fingerprint, request_id, ${AT("accepted_at_us")}
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
      AS i (project_id, user_id, key, fingerprint, request_id, accepted_at_us)
  ON CONFLICT (project_id, user_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, request_id = excluded.request_id, accepted_at = excluded.accepted_at
    WHERE k.accepted_at <= excluded.accepted_at - ${KEY_KEPT}
  RETURNING request_id`;

const columns = (requests: readonly KeyedRequest[]) => [
  requests.map((r) => r.projectId),
  requests.map((r) => r.userId),
  requests.map((r) => r.key),
  requests.map((r) => r.fingerprint),
  requests.map((r) => r.requestId),
  requests.map((r) => r.acceptedAtUs),
];

/** @param requests of different keys @returns ids of those requests whose key was free */
export async function claimKeys(client: pg.PoolClient, requests: readonly KeyedRequest[]): Promise<Set<string>> {
  const { rows } = await client.query<{ request_id: string }>(CLAIM, columns(requests));
  return new Set(rows.map(({ request_id }) => request_id));
}

export interface SettledKeys {
  /** The events that act. */
  events: VoteEvent[];
  /** Registers whose wish was undone, because it was the second one under its key. */
  undone: Register[];
}

export type Register = Pick<VoteEvent, "projectId" | "period" | "userId">;

const requestOf = (event: VoteEvent): KeyedRequest => {
  const { key, fingerprint } = event.idempotency as { key: string; fingerprint: string };
  return { ...event, key, fingerprint };
};
const keyOf = ({ projectId, userId, key }: Pick<KeyedRequest, "projectId" | "userId" | "key">) =>
  `${projectId}\n${userId}\n${key}`;

/** Claims the keys of events, and settles which request of each key has acted. The shard is locked. */
export async function settleKeys(
  client: pg.PoolClient,
  shard: number,
  events: readonly VoteEvent[],
): Promise<SettledKeys> {
  const keyed = events.filter((event) => event.idempotency !== null);
  if (keyed.length === 0) return { events: [...events], undone: [] };
  const first = new Map(keyed.toReversed().map((event) => [keyOf(requestOf(event)), event]));
  const claimed = await claimKeys(client, [...first.values()].map(requestOf));
  const others = keyed.filter(({ requestId }) => !claimed.has(requestId));
  if (others.length === 0) return { events: [...events], undone: [] };
  return settleTaken(client, shard, { events, others });
}

interface Holder {
  project_id: string;
  user_id: string;
  key: string;
  request_id: string;
  accepted_at_us: number;
}

const HOLDERS = `
  SELECT project_id, user_id, key, request_id, ${US("accepted_at")} AS accepted_at_us
    FROM idempotency_keys
   WHERE (project_id, user_id, key) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`;

/** Rare: a key was used in both stores. */
async function settleTaken(
  client: pg.PoolClient,
  shard: number,
  { events, others }: { events: readonly VoteEvent[]; others: readonly VoteEvent[] },
): Promise<SettledKeys> {
  const { rows } = await client.query<Holder>(HOLDERS, columns(others.map(requestOf)).slice(0, 3));
  const holders = new Map(
    rows.map((row) => [keyOf({ projectId: row.project_id, userId: row.user_id, key: row.key }), row]),
  );
  const dropped = new Set<string>();
  const undone: Register[] = [];
  for (const event of others) {
    const request = requestOf(event);
    const holder = holders.get(keyOf(request));
    if (holder === undefined || holder.request_id === event.requestId) continue;
    // Redis has counted what is undone here.
    await requestReload(client, { shard, projectId: event.projectId });
    if (holder.accepted_at_us <= event.acceptedAtUs) {
      dropped.add(event.requestId);
    } else {
      undone.push(...(await undoRequest(client, holder.request_id)));
      await client.query(
        `UPDATE idempotency_keys SET request_id = $4, accepted_at = ${AT("$5::bigint")}, fingerprint = $6
          WHERE project_id = $1 AND user_id = $2 AND key = $3`,
        [request.projectId, request.userId, request.key, request.requestId, request.acceptedAtUs, request.fingerprint],
      );
    }
  }
  return { events: events.filter(({ requestId }) => !dropped.has(requestId)), undone };
}

/** Takes a request out of the audit log. A register that shows it is open for any wish. */
async function undoRequest(client: pg.PoolClient, requestId: string): Promise<Register[]> {
  const { rows } = await client.query<Register & { version: number }>(
    `DELETE FROM vote_events WHERE request_id = $1
     RETURNING project_id AS "projectId", period, user_id AS "userId", version`,
    [requestId],
  );
  for (const { projectId, period, userId, version } of rows) {
    await client.query(
      "UPDATE votes SET version = 0 WHERE project_id = $1 AND period = $2 AND user_id = $3 AND version = $4",
      [projectId, period, userId, version],
    );
  }
  return rows.map(({ projectId, period, userId }) => ({ projectId, period, userId }));
}

const NEWEST_IN_LOG = `
  SELECT e.vote_type, e.version AS stamp, coalesce(e.project_version, e.version) AS version,
         (extract(epoch FROM (SELECT max(accepted_at) FROM vote_events g
                               WHERE g.project_id = $1 AND g.period = $2 AND g.user_id = $3
                                 AND g.version <= e.version AND (g.action <> 'unchanged' OR g.vote_type <> g.previous_vote_type)))
           * 1000000)::bigint AS given_at_us
    FROM vote_events e
   WHERE e.project_id = $1 AND e.period = $2 AND e.user_id = $3
   ORDER BY e.version DESC LIMIT 1`;

/** What a register says once a wish was undone: the newest one that the audit log has. Without any, it says none. */
export async function readNewestInLog(client: pg.PoolClient, register: Register): Promise<VoteWrite> {
  const { projectId, period, userId } = register;
  const { rows } = await client.query<{
    vote_type: VoteType;
    stamp: number;
    version: number;
    given_at_us: number | null;
  }>(NEWEST_IN_LOG, [projectId, period, userId]);
  const [newest] = rows;
  // Given in 1970: older than any audit log, which therefore need not know of it.
  if (newest === undefined) return { ...register, voteType: "none", stamp: 1, givenAtUs: 0, version: 0 };
  const { vote_type: voteType, stamp, version, given_at_us: givenAtUs } = newest;
  return { ...register, voteType, stamp, version, givenAtUs: givenAtUs ?? stamp };
}

/** An answer that was given under a key. */
export interface KeyedAnswer {
  fingerprint: string;
  answer: {
    requestId: string;
    projectId: string;
    userId: string;
    action: VoteEvent["action"];
    upvotes: number;
    downvotes: number;
    voteType: VoteType;
    version: number;
    acceptedAtUs: number;
  };
}

/** What a key was answered, as far as its request is a row. */
export async function findKeyedAnswer(
  pool: pg.Pool,
  o: { projectId: string; userId: string; key: string },
): Promise<KeyedAnswer | null> {
  const { rows } = await pool.query<KeyedAnswer["answer"] & { fingerprint: string }>(
    `SELECT k.fingerprint, e.request_id AS "requestId", e.project_id AS "projectId", e.user_id AS "userId", e.action,
            e.upvotes, e.downvotes, e.vote_type AS "voteType", coalesce(e.project_version, e.version) AS version,
            ${US("e.accepted_at")} AS "acceptedAtUs"
       FROM idempotency_keys k JOIN vote_events e ON e.request_id = k.request_id AND e.accepted_at = k.accepted_at
      WHERE k.project_id = $1 AND k.user_id = $2 AND k.key = $3 AND k.accepted_at > now() - ${KEY_KEPT}`,
    [o.projectId, o.userId, o.key],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { fingerprint, ...answer } = row;
  return { fingerprint, answer };
}
