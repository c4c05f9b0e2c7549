/**
 * Configuration: one small schema per app, parsed once, passed down. What is wrong is said all at once, in the words of
 * whoever sets the variables, and never with a value in it: a value may be a secret.
 */
import { z } from "zod";

/** What `pnpm start` signs with on a developer's machine. Known to everybody, so worthless anywhere else. */
export const DEVELOPMENT_SECRET = "votesync-development-secret-do-not-use";

/** The process cannot start like this; the message is for an operator. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export const portSchema = z.coerce.number().int().min(1).max(65_535);

/** "true", "false", "1", "0", "on", "off", … */
export const booleanSchema = z.stringbool();

export const commonConfigShape = {
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  NODE_ENV: z.string().optional(),
};

/**
 * @throws {ConfigError} naming every variable that is wrong; also, in every service alike, when the development secret
 * is about to be used in production
 */
export function parseConfig<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  if (env.NODE_ENV === "production" && env.AUTH_JWT_SECRET === DEVELOPMENT_SECRET) {
    throw new ConfigError("AUTH_JWT_SECRET is the development secret, which everybody knows: set your own");
  }
  // An empty variable is one that was not set: compose files and shells cannot tell the two apart.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = path.length === 0 ? "configuration" : path.join(".");
    return `${name}: ${given[String(path[0])] === undefined && path.length > 0 ? "is not set" : message}`;
  });
  throw new ConfigError(`cannot start, the environment is wrong:\n  ${lines.join("\n  ")}`);
}
