import { z } from "zod";

const MIN_SECRET_BYTES = 32;

/** Environment variables of another voting API; none without `EXTERNAL_VOTES_URL`. */
export const externalVotesConfigShape = {
  EXTERNAL_VOTES_URL: z
    .url({ protocol: /^https?$/ })
    .refine(hasNoCredentials, "must hold no user name or password")
    .optional(),
  /** Requests are signed with it. */
  EXTERNAL_VOTES_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `must have at least ${MIN_SECRET_BYTES} bytes`)
    .optional(),
  /** For one try of one request. */
  EXTERNAL_VOTES_TIMEOUT_MS: z.coerce.number().int().min(100).max(300_000).default(10_000),
};

interface ExternalVotesConfig {
  EXTERNAL_VOTES_URL?: string | undefined;
  EXTERNAL_VOTES_SECRET?: string | undefined;
}

/** A secret belongs to the address. */
export function withExternalVotesSecret<T extends z.ZodType<ExternalVotesConfig>>(schema: T) {
  return schema.refine(
    (config) => config.EXTERNAL_VOTES_URL === undefined || config.EXTERNAL_VOTES_SECRET !== undefined,
    {
      path: ["EXTERNAL_VOTES_SECRET"],
      message: "is needed with EXTERNAL_VOTES_URL",
    },
  );
}

function hasNoCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username === "" && password === "";
}
