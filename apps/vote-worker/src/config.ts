import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

const shape = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  VOTE_WORKER_PORT: portSchema.default(3002),
  /** Events per transaction: at 2,000 the cost of a commit is spread thin, and one batch takes well under 100 ms. */
  WORKER_BATCH_SIZE: z.coerce.number().int().min(1).max(10_000).default(2_000),
  /** Pause between passes over a shard without a backlog. It lets batches form: eight shards commit 80 times a second. */
  WORKER_PAUSE_MS: z.coerce.number().int().min(1).max(10_000).default(100),
  /** How long applied events stay in the streams for readers that come back. */
  STREAM_RETENTION_MS: z.coerce.number().int().min(1_000).default(600_000),
});

export const configSchema = withRedisAddress(shape);
export type Config = z.output<typeof configSchema>;
