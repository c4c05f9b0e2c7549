/** A board as people see it: pages by rank, and one's own place on each. Nothing here reads more of a board than it shows. */
import { type Board, boardAt, LEADERBOARD_PERIODS, type LeaderboardPeriod } from "@votesync/core";
import type { Stores } from "@votesync/reconcile";
import { countBoard, rankOf, readBoardPage, readPoints } from "@votesync/redis-store";

export interface LeaderboardEntry {
  /** From 1; equal points share a rank. */
  rank: number;
  user_id: string;
  points: number;
}

export interface LeaderboardPage {
  period: LeaderboardPeriod;
  key: string;
  /** Users on the board. */
  total: number;
  entries: LeaderboardEntry[];
}

type RedisStores = Pick<Stores, "redis" | "names">;

export async function readLeaderboard(
  { redis, names }: RedisStores,
  o: { board: Board; offset: number; limit: number },
): Promise<LeaderboardPage> {
  const [total, page] = await Promise.all([countBoard(redis, names, o.board), readBoardPage(redis, names, o)]);
  const [first] = page;
  let rank = first === undefined ? 1 : await rankOf(redis, names, { board: o.board, points: first.points });
  const entries = page.map(({ userId, points }, i) => {
    if (i > 0 && page[i - 1]?.points !== points) rank = o.offset + i + 1;
    return { rank, user_id: userId, points };
  });
  return { ...o.board, total, entries };
}

/** `null` where the user is on no board. */
export type OwnPlaces = Record<LeaderboardPeriod, { rank: number; points: number } | null>;

export async function readOwnPlaces(
  { redis, names }: RedisStores,
  o: { userId: string; nowMs: number; zone: string },
): Promise<OwnPlaces> {
  const places = await Promise.all(
    LEADERBOARD_PERIODS.map(async (period) => {
      const board = boardAt(period, o.nowMs, o.zone);
      const [points = null] = await readPoints(redis, names, { board, userIds: [o.userId] });
      if (points === null) return [period, null] as const;
      return [period, { rank: await rankOf(redis, names, { board, points }), points }] as const;
    }),
  );
  return Object.fromEntries(places) as OwnPlaces;
}
