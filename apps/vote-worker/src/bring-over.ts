/**
 * What this worker does when PostgreSQL went back in time: it notes it for health and for people, and then brings over what Redis
 * still has, or waits for a person to do so (`POSTGRES_RECOVERY=manual`).
 */
import { openIncident } from "@votesync/postgres-store";
import { recoverPostgresShard, type Stores } from "@votesync/reconcile";
import type { Logger } from "@votesync/service-kit";
import type { PostgresBehindError } from "./shard-applier.js";

export interface BringOverDeps extends Stores {
  mode: "auto" | "manual";
  log: Logger;
}

/**
 * One shard after the other: each recovery holds a connection for its lock and needs others for its work, so as many at once as the
 * pool has connections would wait for each other.
 */
export function createBringOver({ mode, log, ...stores }: BringOverDeps) {
  let previous: Promise<unknown> = Promise.resolve();
  return async (behind: PostgresBehindError): Promise<void> => {
    const { shard, lastId, onceApplied } = behind;
    const details = { from_id: lastId, once_applied: onceApplied };
    const isNews = await openIncident(stores.pool, { store: "postgres", shard, details });
    if (isNews)
      log.error(
        { shard, ...details },
        "PostgreSQL went back in time: nothing is applied to this shard until Redis's votes are brought over",
      );
    if (mode === "manual") throw behind;
    const recovery = previous.then(() => recoverPostgresShard(stores, shard, { dryRun: false }));
    previous = recovery.catch(() => undefined);
    const report = await recovery;
    if (report !== null) log.warn({ ...report }, "PostgreSQL had gone back in time; it has again what Redis still had");
  };
}
