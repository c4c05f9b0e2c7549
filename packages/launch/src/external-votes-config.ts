import { z } from "zod";

const MIN_SECRET_BYTES = 32;

/** Environment variables of another voting API; none without `EXTERNAL_VOTES_URL`. */
export const externalVotesConfigShape = {
  EXTERNAL_VOTES_URL: z
    .url({ protocol: /^https?$/ })
    .refine(hasNoCredentials, "must hold no user name or password")
    .optional(),
  /** Requests are signed with it; without it they are not, and anybody who can reach the other API can flush there. */
  EXTERNAL_VOTES_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `must have at least ${MIN_SECRET_BYTES} bytes`)
    .optional(),
  /** For one try of one request. */
  EXTERNAL_VOTES_TIMEOUT_MS: z.coerce.number().int().min(100).max(300_000).default(10_000),
};

function hasNoCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username === "" && password === "";
}
