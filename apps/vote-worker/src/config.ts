import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

/** `ms,ms,…`: one retry each. */
const delaysSchema = z
  .string()
  .regex(/^\d{1,8}(,\d{1,8}){0,9}$/, "must be 1 to 10 delays in milliseconds: ms,ms,…")
  .transform((list) => list.split(",").map(Number) as [number, ...number[]]);

const shape = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  VOTE_WORKER_PORT: portSchema.default(3002),
  /** Events per transaction: at 2,000 the cost of a commit is spread thin, and one batch takes well under 100 ms. */
  WORKER_BATCH_SIZE: z.coerce.number().int().min(1).max(10_000).default(2_000),
  /** Pause between passes over a shard without a backlog. It lets batches form: eight shards commit 80 times a second. */
  WORKER_PAUSE_MS: z.coerce.number().int().min(1).max(10_000).default(100),
  /** How long an event that failed waits before each retry; after the last one it is a dead letter. */
  WORKER_RETRY_DELAYS_MS: delaysSchema.prefault("5000,10000,20000"),
  /** How long applied events stay in the streams for readers that come back. */
  STREAM_RETENTION_MS: z.coerce.number().int().min(1_000).default(600_000),
  /** Whether a PostgreSQL that went back in time gets by itself what Redis still has, or by "votesync votes recover-postgres". */
  POSTGRES_RECOVERY: z.enum(["auto", "manual"]).default("auto"),
});

export const configSchema = withRedisAddress(shape);
export type Config = z.output<typeof configSchema>;
