import { expect, test } from "@jest/globals";
import {
  DEFAULT_SETTINGS,
  pickSettings,
  SettingsDisagreementError,
  settingDifferences,
} from "./installation-settings.js";

test("only settings that both sides have can differ", () => {
  const given = { VOTE_SHARDS: 8, POINTS_UP: 2 };
  expect(settingDifferences(given, {})).toEqual([]);
  expect(settingDifferences(given, { VOTE_SHARDS: 8, LAUNCH_TIMEZONE: "Asia/Tokyo" })).toEqual([]);
  expect(settingDifferences(given, { VOTE_SHARDS: 16, POINTS_UP: 0 })).toEqual([
    { name: "VOTE_SHARDS", given: 8, inForce: 16 },
    { name: "POINTS_UP", given: 2, inForce: 0 },
  ]);
});

test("settings are picked from among other variables, and what is absent gets no default", () => {
  expect(pickSettings({ VOTE_RATE_MAX: 0, REDIS_URL: "redis://localhost" })).toEqual({ VOTE_RATE_MAX: 0 });
  expect(DEFAULT_SETTINGS).toEqual({
    VOTE_SHARDS: 8,
    LAUNCH_TIMEZONE: "UTC",
    LEADERBOARD_TIMEZONE: "UTC",
    POINTS_UP: 1,
    POINTS_DOWN: 0,
    VOTE_RATE_MAX: 5,
    VOTE_RATE_WINDOW_MS: 10_000,
  });
});

test("a disagreement says what is in force, what was given, and the command that changes it", () => {
  const { message } = new SettingsDisagreementError([{ name: "VOTE_RATE_MAX", given: 5, inForce: 0 }]);
  expect(message).toBe(
    "VOTE_RATE_MAX=0 is in force in this installation, and VOTE_RATE_MAX=5 (the default) was given here. " +
      'Start with VOTE_RATE_MAX=0; or, to change it for all services, run "votesync settings set VOTE_RATE_MAX 5" ' +
      "while the installation runs, then restart them with VOTE_RATE_MAX=5.",
  );
});

test("a disagreement on VOTE_SHARDS names no command, for there is none", () => {
  const { message } = new SettingsDisagreementError([{ name: "VOTE_SHARDS", given: 16, inForce: 8 }]);
  expect(message).toBe(
    "VOTE_SHARDS=8 is in force in this installation, and VOTE_SHARDS=16 was given here. " +
      "Start with VOTE_SHARDS=8: it can never change, because the shard of a project never moves.",
  );
});
