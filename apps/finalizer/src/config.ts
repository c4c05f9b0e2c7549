import { mongoConfigShape } from "@votesync/mongo-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { commonConfigShape, portSchema } from "@votesync/service-kit";
import { z } from "zod";

const shape = z.object({
  ...commonConfigShape,
  ...redisConfigShape,
  ...mongoConfigShape,
  FINALIZER_PORT: portSchema.default(3004),
});

export const configSchema = withRedisAddress(shape);
