/**
 * The settings in force: one row, plus the number of shards, which the rows of `shard_progress` say and nothing else.
 *
 * A service reads them at its start, and writes only what is not in force yet. That happens under a lock on the row and all at
 * once: two services that start together with different values cannot both be right, and the one that loses adds nothing.
 */
import {
  pickSettings,
  type SettingName,
  SettingsDisagreementError,
  type SomeSettings,
  settingDifferences,
} from "@votesync/core";
import pg from "pg";
import { addShards } from "./shard-progress.js";
import { inTransaction } from "./transaction.js";

const UNDEFINED_TABLE = "42P01";

/** The database is older than this release, or was never migrated. */
export function isNotMigrated(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE;
}

/** @throws when the database is not migrated: see `isNotMigrated` */
export async function readSettingsInForce(db: pg.Pool | pg.ClientBase): Promise<SomeSettings> {
  const { rows } = await db.query<{ settings: Record<string, unknown>; shards: number }>(
    "SELECT settings, (SELECT count(*)::int FROM shard_progress) AS shards FROM installation_settings",
  );
  const [row] = rows;
  if (row === undefined) throw new Error("installation_settings has no row");
  return pickSettings({ ...row.settings, ...(row.shards > 0 ? { VOTE_SHARDS: row.shards } : {}) });
}

/**
 * Agrees with what is in force, and puts in force what is not yet.
 * @param client to be thrown away when this fails: it may be inside a transaction
 * @throws {SettingsDisagreementError} then nothing was written
 */
export async function agreeOnSettings(client: pg.ClientBase, given: SomeSettings): Promise<void> {
  const inForce = await readSettingsInForce(client);
  assertAgreement(given, inForce);
  if (namesOf(given).some((name) => inForce[name] === undefined)) await addSettings(client, given);
}

async function addSettings(client: pg.ClientBase, given: SomeSettings): Promise<void> {
  await client.query("BEGIN");
  await lockSettings(client);
  // Another service may have been faster.
  const inForce = await readSettingsInForce(client);
  assertAgreement(given, inForce);
  const { VOTE_SHARDS: shards, ...others } = given;
  if (shards !== undefined && inForce.VOTE_SHARDS === undefined) await addShards(client, shards);
  await client.query("UPDATE installation_settings SET settings = $1::jsonb || settings, updated_at = now()", [
    JSON.stringify(others),
  ]);
  await client.query("COMMIT");
}

/**
 * Makes the shards of a new installation.
 * @throws {SettingsDisagreementError} when there is another number of them already
 */
export async function ensureShards(pool: pg.Pool, shards: number): Promise<void> {
  const client = await pool.connect();
  let failed = true;
  try {
    await agreeOnSettings(client, { VOTE_SHARDS: shards });
    failed = false;
  } finally {
    client.release(failed);
  }
}

/** @returns what was in force before; `undefined`: nothing */
export function changeSetting(
  pool: pg.Pool,
  name: Exclude<SettingName, "VOTE_SHARDS">,
  value: string | number,
): Promise<string | number | undefined> {
  return inTransaction(pool, async (client) => {
    await lockSettings(client);
    const inForce = await readSettingsInForce(client);
    await client.query("UPDATE installation_settings SET settings = settings || $1::jsonb, updated_at = now()", [
      JSON.stringify({ [name]: value }),
    ]);
    return inForce[name];
  });
}

const lockSettings = (client: pg.ClientBase) => client.query("SELECT FROM installation_settings FOR UPDATE");

const namesOf = (settings: SomeSettings) => Object.keys(settings) as SettingName[];

function assertAgreement(given: SomeSettings, inForce: SomeSettings): void {
  const differences = settingDifferences(given, inForce);
  if (differences.length > 0) throw new SettingsDisagreementError(differences);
}
