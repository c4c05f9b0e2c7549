import { installationSettingsShape, LEADERBOARD_PERIODS, leaderboardPeriodSchema } from "@votesync/core";
import { CronExpressionParser } from "cron-parser";
import { z } from "zod";

const cronSchema = z.string().refine(isCron, "must be a cron expression of five fields");

function isCron(expression: string): boolean {
  try {
    CronExpressionParser.parse(expression);
    return expression.trim().split(/\s+/).length === 5;
  } catch {
    return false;
  }
}

const periodsSchema = z
  .string()
  .default(LEADERBOARD_PERIODS.join(","))
  .transform((list) => list.split(",").map((period) => period.trim()))
  .pipe(z.array(leaderboardPeriodSchema).min(1));

/** Environment variables of leaderboards and their sync. */
export const leaderboardConfigShape = {
  LEADERBOARD_TIMEZONE: installationSettingsShape.LEADERBOARD_TIMEZONE,
  POINTS_UP: installationSettingsShape.POINTS_UP,
  POINTS_DOWN: installationSettingsShape.POINTS_DOWN,
  /** When the sync runs by itself, in that zone. */
  LEADERBOARD_SYNC_CRON: cronSchema.default("0 * * * *"),
  /** Which boards it brings to PostgreSQL by itself. */
  LEADERBOARD_SYNC_PERIODS: periodsSchema,
  /** A run that would delete more than this share of a board's rows, and more than so many, stops. */
  SYNC_MAX_DELETE_RATIO: z.coerce.number().min(0).max(1).default(0.2),
  SYNC_MAX_DELETE_MIN: z.coerce.number().int().min(0).max(1_000_000).default(10),
};
