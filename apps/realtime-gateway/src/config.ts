import { installationSettingsShape } from "@votesync/core";
import { mongoConfigShape } from "@votesync/mongo-store";
import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { authConfigShape, commonConfigShape, portSchema, withOneKeySource } from "@votesync/service-kit";
import { z } from "zod";
import { trustProxySchema } from "./client-address.js";

const bound = (max: number) => z.coerce.number().int().min(1).max(max);

/** As browsers write it: no path, not even a slash. */
const originSchema = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin);

const shape = z.object({
  ...commonConfigShape,
  ...authConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  /** For launch days; without it they are unknown. */
  MONGO_URL: mongoConfigShape.MONGO_URL.optional(),
  LAUNCH_TIMEZONE: installationSettingsShape.LAUNCH_TIMEZONE,
  LEADERBOARD_TIMEZONE: installationSettingsShape.LEADERBOARD_TIMEZONE,
  REALTIME_PORT: portSchema.default(3001),
  /** Origins of the pages that may connect, comma separated; `*` for all. */
  CORS_ORIGINS: z
    .string()
    .default("*")
    .transform((list) => list.split(",").map((origin) => origin.trim()))
    .pipe(z.array(z.union([z.literal("*"), originSchema], "must be * or origins like https://example.org"))),
  /** Pause between two passes: one message per project and pass, so with 55 no second has more than 20 of them. */
  FOLD_WINDOW_MS: z.coerce.number().int().min(55).max(5_000).default(55),
  /** Proxies in front whose X-Forwarded-For is believed. */
  TRUST_PROXY: trustProxySchema.default(() => () => false),
  SOCKETS_PER_ADDRESS_MAX: bound(1_000_000).default(1_000),
  /** On average; a burst may be five times as much. */
  SOCKET_EVENTS_PER_SECOND_MAX: bound(10_000).default(50),
  SOCKET_ROOMS_MAX: bound(100_000).default(2_000),
});
export const configSchema = withRedisAddress(withOneKeySource(shape));
export type Config = z.output<typeof configSchema>;
