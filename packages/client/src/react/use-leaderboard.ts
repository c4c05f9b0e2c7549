import { useMemo } from "react";
import type { LeaderboardPeriod, LeaderboardState } from "../wire.js";
import { useVoteClient } from "./provider.js";
import { useReadable } from "./use-readable.js";
import { useWatch } from "./use-watch.js";

/** The first ten of a leaderboard, live: `undefined` until known. */
export function useLeaderboard(period: LeaderboardPeriod): LeaderboardState | undefined {
  const client = useVoteClient();
  useWatch(useMemo(() => ({ leaderboards: [period] }), [period]));
  return useReadable(client.leaderboard(period));
}
