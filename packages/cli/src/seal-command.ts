import { type SealReport, verifySeal } from "@votesync/launch";
import { Command } from "commander";
import { withLaunchStores } from "./open-stores.js";
import { launchDate, withJson } from "./options.js";

interface Options {
  json: boolean;
  date: string;
}

/** How many differences are printed one by one; `--json` has all of them. */
const PRINTED = 20;

/** `launch verify`: the seal of what people see, against the one that was made when the day became final. */
export function sealCommand(): Command {
  return withJson(new Command("verify"))
    .description("prove a final day's results by their seal; exit code 1 when they were changed")
    .requiredOption("--date <day>", "YYYY-MM-DD", launchDate)
    .action(async ({ json, date }: Options) => {
      const report = await withLaunchStores("votesync launch", (stores) => verifySeal(stores, date));
      if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else print(report);
      if (!report.valid) process.exitCode = 1;
    });
}

function print({ date, valid, seal, archivedSeal, computed, apps, differences }: SealReport): void {
  console.log(`computed from ${apps} records  ${computed}`);
  console.log(`kept in PostgreSQL  ${seal ?? "none"}`);
  console.log(`kept in MongoDB     ${archivedSeal ?? "none"}`);
  const lines = differences.slice(0, PRINTED).map(({ appId: app, expected, found }) => ({
    app,
    counted: expected?.votes ?? "not launched",
    shown: found === null ? "lost" : found.votes,
    rank: expected?.rank ?? "",
    shown_rank: found?.rank ?? "",
  }));
  if (lines.length > 0) console.table(lines);
  if (differences.length > PRINTED) console.log(`and ${differences.length - PRINTED} more`);
  console.log(
    valid ? `the results of ${date} are those that were sealed` : `the results of ${date} are NOT those sealed`,
  );
}
