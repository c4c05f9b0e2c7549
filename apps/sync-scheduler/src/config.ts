import { leaderboardConfigShape } from "@votesync/leaderboard";
import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

const shape = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  ...leaderboardConfigShape,
  /** Told of syncs that failed, were refused, or changed much. */
  SYNC_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  SYNC_WEBHOOK_SECRET: z.string().min(32).optional(),
  /** `true`: also at private addresses. */
  SYNC_WEBHOOK_ALLOW_PRIVATE: z.enum(["true", "false"]).default("false"),
  /** Rows that a run updates or deletes to be worth telling. */
  SYNC_WEBHOOK_LARGE_CHANGE: z.coerce.number().int().min(1).max(1_000_000_000).default(1_000),
  SYNC_SCHEDULER_PORT: portSchema.default(3003),
  /** How often changed projects are compared and repaired, and the sort keys of lists brought up to date. */
  SYNC_INTERVAL_MS: z.coerce.number().int().min(100).max(3_600_000).default(30_000),
  /** Months of the audit log that ended longer ago are dropped; 0 = never. */
  AUDIT_RETENTION_DAYS: z.coerce.number().int().min(0).max(100_000).default(0),
  /** A project that nobody has voted on for so long leaves Redis; the next vote loads it again. */
  COLD_PROJECT_MS: z.coerce.number().int().min(60_000).default(86_400_000),
  /** How often side effects of votes that no job did are looked for. */
  SIDE_EFFECTS_SWEEP_MS: z.coerce.number().int().min(100).max(3_600_000).default(60_000),
});

export const configSchema = withRedisAddress(shape).refine(
  (config) => config.SYNC_WEBHOOK_URL === undefined || config.SYNC_WEBHOOK_SECRET !== undefined,
  { path: ["SYNC_WEBHOOK_SECRET"], message: "is needed with SYNC_WEBHOOK_URL" },
);
