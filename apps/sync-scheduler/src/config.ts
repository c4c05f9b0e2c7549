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

export const configSchema = withRedisAddress(shape);
