import { mongoConfigShape } from "@votesync/mongo-store";
import { redisConfigShape } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

export const configSchema = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...mongoConfigShape,
  FINALIZER_PORT: portSchema.default(3004),
});
