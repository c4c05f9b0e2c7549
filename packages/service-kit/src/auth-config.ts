import { z } from "zod";
import { booleanSchema } from "./config.js";

/** HS256 wants a secret at least as long as its hash. */
const MIN_SECRET_BYTES = 32;

const secretSchema = z
  .string()
  .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `must be at least ${MIN_SECRET_BYTES} bytes`);

/** How tokens are checked: by a shared secret or by a key set, never both. */
export const authConfigShape = {
  AUTH_JWT_SECRET: secretSchema.optional(),
  AUTH_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  AUTH_GUEST: booleanSchema.default(false),
};

export interface AuthConfig {
  AUTH_JWT_SECRET?: string | undefined;
  AUTH_JWKS_URL?: string | undefined;
  AUTH_ISSUER?: string | undefined;
  AUTH_AUDIENCE?: string | undefined;
  AUTH_GUEST: boolean;
}

/** For a service's whole schema: exactly one way to check tokens. */
export function withOneKeySource<S extends z.ZodType<AuthConfig>>(schema: S): S {
  return schema.refine((config) => (config.AUTH_JWT_SECRET === undefined) !== (config.AUTH_JWKS_URL === undefined), {
    message: "set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL",
  });
}
