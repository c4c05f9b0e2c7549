import { launchDay } from "@votesync/core";
import { checkVoteHealth, OVERDUE_AFTER_MS, type VoteHealthReport } from "@votesync/launch";
import { Command } from "commander";
import { redisReady, withLaunchStores } from "./open-stores.js";
import { launchDate, seconds, withJson } from "./options.js";

interface Options {
  json: boolean;
  date: string;
  overdueAfter: number;
}

/** `launch health`: whether all that is stored of a day says the same, and what to do when not. */
export function healthCommand(): Command {
  return withJson(new Command("health"))
    .description("what is wrong with a launch day, and what to do; exit code 1 when something is")
    .requiredOption("--date <day>", "YYYY-MM-DD", launchDate)
    .option("--overdue-after <s>", "how long after its end a day should be final", seconds, OVERDUE_AFTER_MS / 1_000)
    .action(async ({ json, date, overdueAfter }: Options) => {
      const report = await withLaunchStores("votesync launch", async (stores, zone) => {
        await redisReady(stores);
        const closesAtUs = launchDay(date, zone)?.closesAtUs;
        const dayEndsAtMs = closesAtUs === undefined ? undefined : closesAtUs / 1_000;
        return checkVoteHealth(stores, {
          date,
          nowMs: Date.now(),
          overdueAfterMs: overdueAfter * 1_000,
          dayEndsAtMs,
        });
      });
      if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else print(report);
      if (report.status !== "healthy") process.exitCode = 1;
    });
}

function print({ status, health }: VoteHealthReport): void {
  const { date, totalLaunchedApps, finalizedApps, unflushedApps, backupRecords, issues, recommendations } = health;
  console.log(`${date}: ${status.replace("_", " ")}`);
  console.log(
    `${totalLaunchedApps} launched, ${finalizedApps} final, ${unflushedApps} unflushed, ${backupRecords} backups`,
  );
  issues.forEach((issue, i) => {
    console.log(`\n${issue}\n  ${recommendations[i]}`);
  });
}
