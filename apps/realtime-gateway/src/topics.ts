/**
 * What is watched beside projects. A topic's state is read when somebody begins to watch; what happens to it afterwards comes
 * as a broadcast.
 */
import {
  boardAt,
  boardRoom,
  type LeaderboardPeriod,
  launchDay,
  launchRoom,
  leaderboardRoom,
  type Subscription,
} from "@votesync/core";
import { type LaunchStores, readLaunchDay } from "@votesync/launch";
import { readLeaderboard } from "@votesync/leaderboard";
import { SharedReads } from "@votesync/service-kit";
import type { BoardTail } from "./board-tail.js";

export interface Topic {
  /** Its list in a subscription, and in the answer. */
  list: Exclude<keyof Subscription, "projects">;
  roomOf: (name: string) => string;
  /** @returns `null` where there is no such thing */
  read: (name: string) => Promise<object | null>;
}

/** Boards, as `queue:updated` and `stream:active` tell them. */
export function boardTopic(boards: BoardTail): Topic {
  return {
    list: "boards",
    roomOf: boardRoom,
    read: async (boardId) => {
      const state = await boards.current(boardId);
      if (state === null) return null;
      const { jamId: _, ...shown } = state;
      return shown;
    },
  };
}

/** Launch days, as `GET /api/launch` shows them. */
export function launchTopic(stores: LaunchStores, zone: string): Topic {
  const reads = new SharedReads(async (date) => {
    const day = launchDay(date, zone);
    if (day === null) return null;
    const dayEndsAtMs = day.closesAtUs / 1_000;
    return readLaunchDay(stores, { date, dayEndsAtMs, nowMs: Date.now(), redisUsable: true });
  });
  return { list: "launches", roomOf: launchRoom, read: (date) => reads.read(date) };
}

const ENTRIES_SHOWN = 10;

/** Leaderboards, as `leaderboard:updated` tells them. */
export function leaderboardTopic(stores: Pick<LaunchStores, "redis" | "names">, zone: string): Topic {
  const reads = new SharedReads(async (period) => {
    const board = boardAt(period as LeaderboardPeriod, Date.now(), zone);
    const { total: _, ...shown } = await readLeaderboard(stores, { board, offset: 0, limit: ENTRIES_SHOWN });
    return shown;
  });
  return { list: "leaderboards", roomOf: leaderboardRoom, read: (period) => reads.read(period) };
}
