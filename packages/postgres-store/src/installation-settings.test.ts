import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { SettingsDisagreementError, type SomeSettings } from "@votesync/core";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import { connectPostgres, type PostgresConnection } from "./connection.js";
import { changeSetting, ensureShards, readSettingsInForce } from "./installation-settings.js";

const log = { warn: () => undefined };
const BERLIN = { LAUNCH_TIMEZONE: "Europe/Berlin", VOTE_RATE_MAX: 7 };
const TOKYO = { LAUNCH_TIMEZONE: "Asia/Tokyo", VOTE_RATE_MAX: 9 };

let database: TestDatabase;
let opened: PostgresConnection[];

/** A process that was given these settings. */
function connect(config: SomeSettings = {}): PostgresConnection {
  const postgres = connectPostgres({ url: database.url, name: "settings test", config, log });
  opened.push(postgres);
  return postgres;
}

const inForce = () => readSettingsInForce(connect().pool);

beforeEach(async () => {
  opened = [];
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(opened.map(({ close }) => close()));
  await database.drop();
});

test("whoever starts first puts its settings in force, and later ones add those that are not in force yet", async () => {
  expect(await inForce()).toEqual({ VOTE_SHARDS: 8 });
  expect(await connect(BERLIN).settings.reach()).toBe(true);
  expect(await connect({ ...BERLIN, POINTS_UP: 3 }).settings.reach()).toBe(true);
  expect(await inForce()).toEqual({ VOTE_SHARDS: 8, ...BERLIN, POINTS_UP: 3 });
});

test("who differs in one setting adds none of its others", async () => {
  await connect(BERLIN).settings.reach();
  const differing = connect({ LAUNCH_TIMEZONE: "Asia/Tokyo", POINTS_UP: 3 });
  await expect(differing.settings.reach()).rejects.toThrow(SettingsDisagreementError);
  expect((await differing.settings.disagreement).differences).toEqual([
    { name: "LAUNCH_TIMEZONE", given: "Asia/Tokyo", inForce: "Europe/Berlin" },
  ]);
  expect(await inForce()).toEqual({ VOTE_SHARDS: 8, ...BERLIN });
});

test("no statement of a process that differs reaches PostgreSQL, through Prisma neither", async () => {
  await connect(BERLIN).settings.reach();
  const { pool, prisma, ping } = connect(TOKYO);
  await expect(pool.query("DELETE FROM installation_settings")).rejects.toThrow(SettingsDisagreementError);
  await expect(ping()).rejects.toThrow(SettingsDisagreementError);
  await expect(prisma.project.count()).rejects.toThrow("is in force in this installation");
  expect(await inForce()).toMatchObject(BERLIN);
});

test("two that start at once with different values: one set is in force whole, and only the other is refused", async () => {
  for (let round = 0; round < 20; round++) {
    await connect().pool.query("UPDATE installation_settings SET settings = '{}'");
    const sets = [BERLIN, TOKYO];
    const reached = await Promise.allSettled(sets.map((settings) => connect(settings).settings.reach()));
    const agreed = sets.filter((_, i) => reached[i]?.status === "fulfilled");
    expect(agreed).toHaveLength(1);
    expect(await inForce()).toEqual({ VOTE_SHARDS: 8, ...agreed[0] });
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  }
});

test("a database without shards gets them from the first service, and never two numbers of them", async () => {
  for (let round = 0; round < 20; round++) {
    const { pool } = connect();
    await pool.query("DELETE FROM shard_progress");
    const made = await Promise.allSettled([4, 16].map((shards) => ensureShards(pool, shards)));
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect([4, 16]).toContain((await readSettingsInForce(pool)).VOTE_SHARDS);
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  }
});

test("an installation from before there were settings has its number of shards in force", async () => {
  await expect(connect({ VOTE_SHARDS: 16 }).settings.reach()).rejects.toThrow("VOTE_SHARDS=8 is in force");
  expect(await connect({ VOTE_SHARDS: 8 }).settings.reach()).toBe(true);
});

test("before the migration nothing is refused, and the check is made after it", async () => {
  const { pool } = connect();
  await pool.query("ALTER TABLE installation_settings RENAME TO not_yet_migrated");
  const early = connect(TOKYO);
  expect(await early.settings.reach()).toBe(false);
  await early.ping();
  await pool.query("ALTER TABLE not_yet_migrated RENAME TO installation_settings");
  await connect(BERLIN).settings.reach();
  await expect(early.settings.reach()).rejects.toThrow("LAUNCH_TIMEZONE=Europe/Berlin is in force");
});

test("a setting that was changed is in force for whoever connects from then on", async () => {
  const { pool } = connect();
  expect(await changeSetting(pool, "VOTE_RATE_MAX", 0)).toBeUndefined();
  expect(await changeSetting(pool, "VOTE_RATE_MAX", 9)).toBe(0);
  expect(await connect({ VOTE_RATE_MAX: 9 }).settings.reach()).toBe(true);
  await expect(connect({ VOTE_RATE_MAX: 0 }).settings.reach()).rejects.toThrow("VOTE_RATE_MAX=9 is in force");
});
