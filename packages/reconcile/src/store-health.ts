/** Whether a store went back in time lately, in words for people. */
import { readIncidents, type StoreIncident } from "@votesync/postgres-store";
import type pg from "pg";

const NAMES = { redis: "Redis", postgres: "PostgreSQL" } as const;

/**
 * @returns what happened in the last day, by store
 * @throws while it is not over
 */
export async function checkStores(pool: pg.Pool): Promise<Record<string, unknown>> {
  const incidents = await readIncidents(pool);
  const open = incidents.filter(({ resolvedAt }) => resolvedAt === null);
  if (open.length > 0) throw new Error(open.map(sentence).join("; "));
  return incidents.length === 0 ? {} : { went_back: incidents.map(view) };
}

const sentence = ({ store, shard, noticedAt }: StoreIncident) =>
  `${NAMES[store]} went back in time: shard ${shard}, noticed ${noticedAt.toISOString()}`;

const view = ({ store, shard, noticedAt, resolvedAt, details }: StoreIncident) => ({
  store: NAMES[store],
  shard,
  noticed_at: noticedAt.toISOString(),
  resolved_at: resolvedAt?.toISOString() ?? null,
  ...details,
});
