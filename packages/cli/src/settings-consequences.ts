/** What follows from changing a setting of the installation, for the operator who does it. */
import type { SettingName } from "@votesync/core";

export type ChangeableSetting = Exclude<SettingName, "VOTE_SHARDS">;

/** Services that must be started again with the new value. */
export const USED_BY: Record<ChangeableSetting, readonly string[]> = {
  LAUNCH_TIMEZONE: ["vote-api", "finalizer", "realtime-gateway"],
  LEADERBOARD_TIMEZONE: ["vote-api", "sync-scheduler", "realtime-gateway"],
  POINTS_UP: ["sync-scheduler"],
  POINTS_DOWN: ["sync-scheduler"],
  VOTE_RATE_MAX: ["vote-api"],
  VOTE_RATE_WINDOW_MS: ["vote-api"],
};

const RESTORE = 'Then run "votesync sync restore"';
const EFFECTS: Record<ChangeableSetting, string> = {
  LAUNCH_TIMEZONE: "Launches that are registered keep their instants; those registered from now on get the new zone's.",
  LEADERBOARD_TIMEZONE: `${RESTORE}: it counts the open leaderboards again with days that begin at the new zone's midnight.`,
  POINTS_UP: `${RESTORE}: until it has counted the open leaderboards again, votes given before keep the old points.`,
  POINTS_DOWN: `${RESTORE}: until it has counted the open leaderboards again, votes given before keep the old points.`,
  VOTE_RATE_MAX: "The limit applies to votes from each replica's next start on.",
  VOTE_RATE_WINDOW_MS: "The limit applies to votes from each replica's next start on.",
};

/** @returns sentences, in the order of what is to be done */
export function consequencesOf(name: ChangeableSetting, value: string | number): string[] {
  return [
    `Restart ${USED_BY[name].join(", ")} with ${name}=${value}: what runs keeps the old value, and a service that starts with another one refuses to.`,
    EFFECTS[name],
  ];
}
