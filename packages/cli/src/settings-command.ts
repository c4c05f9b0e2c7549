/** `settings …`: the values that all services of an installation use. */
import {
  installationSettingsShape,
  SETTING_NAMES,
  SettingsDisagreementError,
  settingDifferences,
} from "@votesync/core";
import {
  changeSetting,
  connectPostgres,
  isNotMigrated,
  postgresConfigShape,
  readSettingsInForce,
} from "@votesync/postgres-store";
import { parseConfig } from "@votesync/service-kit";
import { Command, InvalidArgumentError } from "commander";
import type pg from "pg";
import { z } from "zod";
import { withJson } from "./options.js";
import { type ChangeableSetting, consequencesOf, USED_BY } from "./settings-consequences.js";
import { stderrLog } from "./stderr-log.js";

interface Output {
  json: boolean;
}

const environmentSchema = z.object(installationSettingsShape);

export function settingsCommand(): Command {
  return new Command("settings")
    .description("the values that all services of this installation use")
    .addCommand(showCommand())
    .addCommand(checkCommand())
    .addCommand(setCommand());
}

function showCommand(): Command {
  return withJson(new Command("show"))
    .description("which values are in force")
    .action(async ({ json }: Output) => {
      const inForce = await withPostgres(readSettingsInForce);
      const all = SETTING_NAMES.map((name) => [name, inForce[name] ?? null] as const);
      const lines = all.map(
        ([name, value]) => `${name.padEnd(20)} ${value ?? "not in force yet: the next service sets it"}`,
      );
      print(Object.fromEntries(all), json, lines.join("\n"));
    });
}

function checkCommand(): Command {
  return withJson(new Command("check"))
    .description("whether services would start with the environment as it is here; exit code 1 when not")
    .action(async ({ json }: Output) => {
      const given = parseConfig(environmentSchema, process.env);
      const differences = settingDifferences(given, await withPostgres(readSettingsInForce));
      const ok = differences.length === 0;
      if (!ok && !json) throw new SettingsDisagreementError(differences);
      print({ ok, differences }, json, "services with these settings can start");
      if (!ok) process.exitCode = 1;
    });
}

function setCommand(): Command {
  return (
    withJson(new Command("set"))
      .description("change one, and say what follows; services take it at their next start")
      .argument("<name>", SETTING_NAMES.filter((name) => name !== "VOTE_SHARDS").join(", "), settingName)
      .argument("<value>", "as in the variable of that name")
      // A negative number is a value.
      .allowUnknownOption()
      .action(async (name: ChangeableSetting, text: string, { json }: Output, command: Command) => {
        const value = settingValue(name, text, command);
        const before = await withPostgres((pool) => changeSetting(pool, name, value));
        const consequences = before === value ? [] : consequencesOf(name, value);
        const was = before === value ? "as before" : before === undefined ? "it was not in force" : `it was ${before}`;
        const report = { setting: name, value, before: before ?? null, used_by: USED_BY[name], consequences };
        print(report, json, [`${name}=${value} is in force (${was})`, ...consequences].join("\n"));
      })
  );
}

function settingName(text: string): ChangeableSetting {
  if (text === "VOTE_SHARDS") {
    throw new InvalidArgumentError("It can never change: the shard of a project never moves.");
  }
  const known = SETTING_NAMES.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(`One of ${SETTING_NAMES.join(", ")}.`);
  return known as ChangeableSetting;
}

/** As services read the variable. */
function settingValue(name: ChangeableSetting, text: string, command: Command): string | number {
  if (text.trim() === "") command.error(`error: no value was given for ${name}`);
  const parsed = installationSettingsShape[name].safeParse(text, { error: wholeNumber });
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ message }) => message).join(", ");
  return command.error(`error: ${name} cannot be ${JSON.stringify(text)}: ${why}`);
}

const wholeNumber = ({ code }: { code: string }) => (code === "invalid_type" ? "must be a whole number" : undefined);

async function withPostgres<T>(work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const { DATABASE_URL: url } = parseConfig(z.object(postgresConfigShape), process.env);
  const postgres = connectPostgres({ url, name: "votesync settings", poolSize: 1, log: stderrLog });
  try {
    return await work(postgres.pool);
  } catch (error) {
    throw isNotMigrated(error) ? new Error("the database is not migrated: run votesync migrate first") : error;
  } finally {
    await postgres.close();
  }
}

function print(value: unknown, json: boolean, words: string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${words}\n`);
}
