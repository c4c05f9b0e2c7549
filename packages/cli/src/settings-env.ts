/**
 * A command works with the settings of its installation: the shell of an operator seldom has them, and defaults in their
 * place would count in another time zone, or look into other shards.
 */
import { type SettingName, SettingsDisagreementError, settingDifferences, someSettingsSchema } from "@votesync/core";
import { isNotMigrated, readSettingsInForce } from "@votesync/postgres-store";
import { parseConfig } from "@votesync/service-kit";
import type pg from "pg";

/**
 * @param names the settings that the command uses
 * @returns `env` with the settings in force where it has none
 * @throws {SettingsDisagreementError} when it has others
 */
export async function withSettingsInForce(
  pool: pg.Pool,
  env: NodeJS.ProcessEnv,
  names: readonly SettingName[],
): Promise<NodeJS.ProcessEnv> {
  const used = Object.fromEntries(names.map((name) => [name, env[name]]));
  const given = parseConfig(someSettingsSchema, used);
  const inForce = await settingsInForce(pool);
  const differences = settingDifferences(given, inForce);
  if (differences.length > 0) throw new SettingsDisagreementError(differences);
  const values = names.map((name) => [name, given[name] ?? inForce[name]] as const);
  return { ...env, ...Object.fromEntries(values.map(([name, value]) => [name, value?.toString()])) };
}

/** None in a database that is not migrated. */
async function settingsInForce(pool: pg.Pool) {
  try {
    return await readSettingsInForce(pool);
  } catch (error) {
    if (isNotMigrated(error)) return {};
    throw error;
  }
}
