import { evictColdProjects, type Stores } from "@votesync/reconcile";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import { Counter, type Registry } from "prom-client";

const IDLE_MS = 60_000;
const PROJECTS_PER_SHARD = 500;

/** Every minute, the projects that went quiet leave Redis, page by page. Replicas may do it side by side. */
export function createColdProjectEviction(o: {
  stores: Stores;
  idleMs: number;
  registry: Registry;
  log: Logger;
}): Service {
  const evicted = new Counter({
    name: "votesync_cold_projects_evicted_total",
    help: "Projects taken out of Redis because nobody votes on them any more",
    registers: [o.registry],
  });
  const runOnce = async () => {
    let more = false;
    for (const shard of o.stores.names.allShards()) {
      const found = await evictColdProjects(o.stores, { shard, idleMs: o.idleMs, limit: PROJECTS_PER_SHARD });
      evicted.inc(found.evicted);
      more ||= found.looked === PROJECTS_PER_SHARD;
    }
    return more;
  };
  return createLoop({ name: "evict-cold-projects", runOnce, idleMs: IDLE_MS, log: o.log });
}
