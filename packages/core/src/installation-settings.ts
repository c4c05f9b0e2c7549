/**
 * Settings that every service of one installation must have alike: two services that differ in one of them make two
 * truths of the same votes. The schemas of their variables stand here, and services spread those they use into their own.
 */
import { z } from "zod";
import { timeZoneSchema } from "./launch-day.js";
import { DEFAULT_VOTE_SHARDS } from "./names.js";

const pointsSchema = z.coerce.number().int().min(-1_000_000).max(1_000_000);

const SCHEMAS = {
  VOTE_SHARDS: z.coerce.number().int().min(1).max(1024),
  LAUNCH_TIMEZONE: timeZoneSchema,
  LEADERBOARD_TIMEZONE: timeZoneSchema,
  POINTS_UP: pointsSchema,
  POINTS_DOWN: pointsSchema,
  VOTE_RATE_MAX: z.coerce.number().int().min(0).max(1_000_000),
  VOTE_RATE_WINDOW_MS: z.coerce.number().int().min(1).max(86_400_000),
};

/** The environment variables, one schema each, for all services. */
export const installationSettingsShape = {
  /** Into how many event streams votes are split. */
  VOTE_SHARDS: SCHEMAS.VOTE_SHARDS.default(DEFAULT_VOTE_SHARDS),
  /** The zone launch days are days of. */
  LAUNCH_TIMEZONE: SCHEMAS.LAUNCH_TIMEZONE.default("UTC"),
  /** The zone whose midnights end days, weeks, months and years of leaderboards. */
  LEADERBOARD_TIMEZONE: SCHEMAS.LEADERBOARD_TIMEZONE.default("UTC"),
  /** What a vote gives the owner of what is voted on. */
  POINTS_UP: SCHEMAS.POINTS_UP.default(1),
  POINTS_DOWN: SCHEMAS.POINTS_DOWN.default(0),
  /** Answered votes per user and project in any window; 0 = no limit. */
  VOTE_RATE_MAX: SCHEMAS.VOTE_RATE_MAX.default(5),
  VOTE_RATE_WINDOW_MS: SCHEMAS.VOTE_RATE_WINDOW_MS.default(10_000),
};

const allSchema = z.object(installationSettingsShape);
/** Nothing has a default here: what was not given is not there. */
export const someSettingsSchema = z.object(SCHEMAS).partial();

export type InstallationSettings = z.output<typeof allSchema>;
/** Those that one service uses, or those that are in force already. */
export type SomeSettings = z.output<typeof someSettingsSchema>;
export type SettingName = keyof InstallationSettings;

export const SETTING_NAMES = Object.keys(SCHEMAS) as SettingName[];

/** What a service has that sets none of them. */
export const DEFAULT_SETTINGS: Readonly<InstallationSettings> = allSchema.parse({});

/** Those among other values. @throws {z.ZodError} when a value is wrong */
export const pickSettings = (values: unknown): SomeSettings => someSettingsSchema.parse(values);

export interface SettingDifference {
  name: SettingName;
  given: string | number;
  inForce: string | number;
}

/** What is not in force yet differs from nothing. */
export function settingDifferences(given: SomeSettings, inForce: SomeSettings): SettingDifference[] {
  return SETTING_NAMES.flatMap((name) => {
    const values = { given: given[name], inForce: inForce[name] };
    const differs = values.given !== undefined && values.inForce !== undefined && values.given !== values.inForce;
    return differs ? [{ name, ...values } as SettingDifference] : [];
  });
}

/** The process was given other values than the installation has. The message is for an operator. */
export class SettingsDisagreementError extends Error {
  override readonly name = "SettingsDisagreementError";
  constructor(readonly differences: readonly SettingDifference[]) {
    super(differences.map(describeDifference).join("\n"));
  }
}

function describeDifference({ name, given, inForce }: SettingDifference): string {
  const note = given === DEFAULT_SETTINGS[name] ? " (the default)" : "";
  const what = `${name}=${inForce} is in force in this installation, and ${name}=${given}${note} was given here.`;
  const start = `Start with ${name}=${inForce}`;
  if (name === "VOTE_SHARDS")
    return `${what} ${start}: it can never change, because the shard of a project never moves.`;
  const change = `run "votesync settings set ${name} ${given}" while the installation runs`;
  return `${what} ${start}; or, to change it for all services, ${change}, then restart them with ${name}=${given}.`;
}
