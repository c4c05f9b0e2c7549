/** How long the pass takes for 100 projects: compared and found the same, and all of them repaired. */
import { ProjectLoader, Reconciler } from "@votesync/reconcile";
import { waitFor } from "@votesync/testkit";
import { castVotes } from "./casting.js";
import { createProjects, type Installation } from "./installation.js";
import type { Figure } from "./report.js";

const PROJECTS = 100;
const VOTES = 5_000;

export async function measureReconcile(installation: Installation): Promise<Figure[]> {
  const { redis, names, postgres } = installation;
  const ids = Array.from({ length: PROJECTS }, (_, i) => `reconcile-${i}`);
  await createProjects(installation, ids);
  await castVotes(installation, ids, VOTES);
  const stores = { redis: redis.client, names, pool: postgres.pool };
  const reconciler = new Reconciler(stores, new ProjectLoader(stores));
  await waitFor("the votes to be applied", async () => (await reconciler.passProjects(ids)).waiting === 0, 60_000);
  const compared = await timed(() => reconciler.passProjects(ids));
  for (const id of ids) await redis.client.hset(names.project(id), "upvotes", "123456");
  const repaired = await timed(() => reconciler.passProjects(ids));
  return [
    { name: `${PROJECTS} projects compared, rows counted, ms`, ours: compared, aim: "< 1,000 ms" },
    { name: `${PROJECTS} projects compared and all repaired, ms`, ours: repaired, aim: "< 1,000 ms" },
  ];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
