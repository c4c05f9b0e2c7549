/**
 * The four leaderboards and their turns. A period's key names one turn of it in a time zone: `2026-11-23`, `2026-W48`,
 * `2026-11`, `2026`. Pure calendar, by luxon.
 */
import { DateTime } from "luxon";
import { z } from "zod";
import { startOf } from "./calendar.js";
import type { VoteType } from "./vote.js";

export const LEADERBOARD_PERIODS = ["daily", "weekly", "monthly", "yearly"] as const;
export const leaderboardPeriodSchema = z.enum(LEADERBOARD_PERIODS);
export type LeaderboardPeriod = z.infer<typeof leaderboardPeriodSchema>;

/** One turn of a period, with points of its own. */
export interface Board {
  period: LeaderboardPeriod;
  key: string;
}

const FORMATS: Record<LeaderboardPeriod, string> = {
  daily: "yyyy-MM-dd",
  // The year an ISO week belongs to is not always the calendar's.
  weekly: "kkkk-'W'WW",
  monthly: "yyyy-MM",
  yearly: "yyyy",
};
const UNITS = { daily: "day", weekly: "week", monthly: "month", yearly: "year" } as const;

/** The boards that points given at this moment count on. */
export function boardsAt(atMs: number, zone: string): Board[] {
  const at = DateTime.fromMillis(atMs, { zone });
  return LEADERBOARD_PERIODS.map((period) => ({ period, key: at.toFormat(FORMATS[period]) }));
}

/** The board of one period. */
export function boardAt(period: LeaderboardPeriod, atMs: number, zone: string): Board {
  return { period, key: DateTime.fromMillis(atMs, { zone }).toFormat(FORMATS[period]) };
}

/** When the next turn of the period begins, ms since 1970. */
export function nextTurnMs(period: LeaderboardPeriod, atMs: number, zone: string): number {
  const unit = UNITS[period];
  const begin = startOf(unit, DateTime.fromMillis(atMs, { zone }));
  return startOf(unit, begin.plus({ [`${unit}s`]: 1 })).toMillis();
}

/** The moments between which points count on the board: from the first on, and before the second. */
export function boardSpan({ period, key }: Board, zone: string): { from: Date; to: Date } {
  const from = startOf(UNITS[period], DateTime.fromFormat(key, FORMATS[period], { zone }));
  if (!from.isValid) throw new RangeError(`not a key of a ${period} board: ${key}`);
  return { from: from.toJSDate(), to: new Date(nextTurnMs(period, from.toMillis(), zone)) };
}

/** `daily:2026-11-23`: a board as one word. */
export const boardName = ({ period, key }: Board): string => `${period}:${key}`;

const BOARD_NAME = /^(daily|weekly|monthly|yearly):([\dW-]{4,10})$/;

/** @returns `null` for what names no board */
export function parseBoardName(name: string): Board | null {
  const [, period, key] = BOARD_NAME.exec(name) ?? [];
  return period === undefined || key === undefined ? null : { period: period as LeaderboardPeriod, key };
}

/** What a vote gives the owner of what is voted on. */
export type PointsOfVotes = Record<VoteType, number>;

/** A move of the ledger of points: its id, and when it was made, ms. A ledger that went back in time uses ids again. */
export interface LedgerMove {
  id: number;
  madeAtMs: number;
}

/** Shard → the last of its moves that was given; a shard of which none was is missing. */
export type GivenMoves = ReadonlyMap<number, LedgerMove>;
