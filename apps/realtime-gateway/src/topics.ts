/**
 * What is watched beside projects. A topic's state is read when somebody begins to watch; what happens to it afterwards comes
 * as a broadcast.
 */
import { launchDay, launchRoom, type Subscription } from "@votesync/core";
import { type LaunchStores, readLaunchDay } from "@votesync/launch";

export interface Topic {
  /** Its list in a subscription, and in the answer. */
  list: Exclude<keyof Subscription, "projects">;
  roomOf: (name: string) => string;
  /** @returns `null` where there is no such thing */
  read: (name: string) => Promise<object | null>;
}

/** Launch days, as `GET /api/launch` shows them. */
export function launchTopic(stores: LaunchStores, zone: string): Topic {
  return {
    list: "launches",
    roomOf: launchRoom,
    read: async (date) => {
      const day = launchDay(date, zone);
      if (day === null) return null;
      const dayEndsAtMs = day.closesAtUs / 1_000;
      return readLaunchDay(stores, { date, dayEndsAtMs, nowMs: Date.now(), redisUsable: true });
    },
  };
}
