import { installationSettingsShape } from "@votesync/core";
import { mongoConfigShape } from "@votesync/mongo-store";
import { postgresConfigShape } from "@votesync/postgres-store";
import { redisConfigShape, withRedisAddress } from "@votesync/redis-store";
import { authConfigShape, commonConfigShape, portSchema, withOneKeySource } from "@votesync/service-kit";
import { z } from "zod";

/** `name=url,name=url`: the other services, for /statusz. */
const serviceUrlsSchema = z
  .string()
  .default("")
  .transform((list) => list.split(",").filter((item) => item !== ""))
  .pipe(z.array(z.templateLiteral([z.string(), "=", z.string()])))
  .transform((items) => items.map((item) => item.split("=", 2) as [name: string, url: string]))
  .pipe(z.array(z.tuple([z.string().min(1), z.url({ protocol: /^https?$/ })])));

/** Express's own words: a number of hops, `loopback`, or addresses. */
const trustProxySchema = z
  .string()
  .default("")
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : value === "" ? false : value));

/** Addresses, separated by blanks or commas. */
const realtimeUrlsSchema = z
  .string()
  .default("")
  .transform((value) => value.split(/[\s,]+/).filter((url) => url !== ""))
  .pipe(z.array(z.url({ protocol: /^https?$/ })).max(16));

const shape = z.object({
  ...commonConfigShape,
  ...authConfigShape,
  ...redisConfigShape,
  ...postgresConfigShape,
  MONGO_URL: mongoConfigShape.MONGO_URL.optional(),
  LAUNCH_TIMEZONE: installationSettingsShape.LAUNCH_TIMEZONE,
  LEADERBOARD_TIMEZONE: installationSettingsShape.LEADERBOARD_TIMEZONE,
  VOTE_API_PORT: portSchema.default(3000),
  /** Where browsers find the gateways; by default one, on this host at REALTIME_PORT. */
  PUBLIC_REALTIME_URL: realtimeUrlsSchema,
  REALTIME_PORT: portSchema.default(3001),
  SERVICE_URLS: serviceUrlsSchema,
  TRUST_PROXY: trustProxySchema,
  CORS_ORIGINS: z.string().default("*"),
  /** Requests a minute of one address, over all routes of this replica; 0 = no limit. */
  HTTP_RATE_MAX: z.coerce.number().int().min(0).max(10_000_000).default(6_000),
  /** The same of one user. */
  HTTP_USER_RATE_MAX: z.coerce.number().int().min(0).max(10_000_000).default(6_000),
  VOTE_RATE_MAX: installationSettingsShape.VOTE_RATE_MAX,
  VOTE_RATE_WINDOW_MS: installationSettingsShape.VOTE_RATE_WINDOW_MS,
});

export const configSchema = withRedisAddress(withOneKeySource(shape));
export type Config = z.output<typeof configSchema>;
