import { installationSettingsShape } from "@votesync/core";
import { externalVotesConfigShape } from "@votesync/launch";
import { mongoConfigShape } from "@votesync/mongo-store";
import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

const shape = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  ...mongoConfigShape,
  ...externalVotesConfigShape,
  FINALIZER_PORT: portSchema.default(3004),
  LAUNCH_TIMEZONE: installationSettingsShape.LAUNCH_TIMEZONE,
  /** So long after its end a day is finalized by itself. */
  FINALIZE_DELAY_MS: z.coerce.number().int().min(0).max(86_400_000).default(300_000),
  /** How often days that are due, or were not flushed, are looked for. */
  FINALIZE_SWEEP_MS: z.coerce.number().int().min(100).max(3_600_000).default(5_000),
});

export const configSchema = withRedisAddress(shape);
export type Config = z.output<typeof configSchema>;
