import { mergeReports, ProjectLoader, type ReconcileReport, Reconciler, type Stores } from "@votesync/reconcile";
import { Command } from "commander";
import { redisReady, withStores } from "./open-stores.js";
import { projectId, withJson } from "./options.js";
import { createProgress } from "./progress.js";

interface Options {
  json: boolean;
  full: boolean;
  project?: string[];
}

/** `votes reconcile`: one pass now, as the scheduler does every SYNC_INTERVAL_MS. */
export function reconcileCommand(): Command {
  return withJson(new Command("reconcile"))
    .description("compare what changed, and repair what differs, now")
    .option("--full", "all projects, with their rows counted", false)
    .option("--project <id>", "only this one; may be given again", projectId)
    .action(async (o: Options) => {
      const report = await withStores("votesync reconcile", async (stores) => {
        await redisReady(stores);
        return pass(stores, o);
      });
      if (o.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else print(report);
    });
}

async function pass(stores: Stores, o: Options): Promise<ReconcileReport> {
  const reconciler = new Reconciler(stores, new ProjectLoader(stores));
  if (o.project !== undefined) return reconciler.passProjects(o.project);
  const progress = createProgress("projects compared");
  try {
    if (o.full) return await reconciler.passAll(({ compared }) => progress.at(compared));
    const reports: ReconcileReport[] = [];
    for (const shard of stores.names.allShards()) {
      reports.push(await reconciler.passShard(shard));
      progress.at(mergeReports(reports).compared);
    }
    return mergeReports(reports);
  } finally {
    progress.end();
  }
}

function print({ compared, repaired, waiting }: ReconcileReport): void {
  for (const { project_id, drift } of repaired) console.log(`${project_id}: ${drift.join(" and ")} repaired`);
  console.log(`${compared} projects compared, ${repaired.length} repaired, ${waiting} with votes on their way`);
}
