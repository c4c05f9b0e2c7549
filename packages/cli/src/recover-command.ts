import { type RecoverReport, recoverVotes } from "@votesync/launch";
import { Command } from "commander";
import { withLaunchStores } from "./open-stores.js";
import { appId, launchDate, withJson } from "./options.js";

interface Options {
  json: boolean;
  date: string;
  app?: string[];
  dryRun: boolean;
}

/** `launch recover`: the records of a final day as its backups say them. */
export function recoverCommand(): Command {
  return withJson(new Command("recover"))
    .description("put the records of a final day right, from its backups; exit code 1 when some are missing")
    .requiredOption("--date <day>", "YYYY-MM-DD", launchDate)
    .option("--app <id>", "only this one; may be given again", appId)
    .option("--dry-run", "say what would be changed, and change nothing", false)
    .action(async ({ json, date, app: appIds, dryRun }: Options) => {
      const report = await withLaunchStores("votesync launch", (stores) =>
        recoverVotes(stores, { date, appIds, dryRun }),
      );
      if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else print(report, dryRun);
      if (!report.success) process.exitCode = 1;
    });
}

function print({ recovered, apps, missing }: RecoverReport, dryRun: boolean): void {
  for (const { appId: id, before, after } of apps) console.log(`${id}: ${before ?? "lost"} -> ${after}`);
  for (const id of missing) console.log(`${id}: no backup`);
  console.log(`${recovered} apps ${dryRun ? "would be" : "were"} put right, ${missing.length} have no backup`);
}
