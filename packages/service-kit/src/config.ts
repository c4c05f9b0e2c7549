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

/** What every service takes; spread it into the app's own shape. */
export const commonConfigShape = {
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  NODE_ENV: z.string().optional(),
  /** For `runUntilSignal`. Supervisors commonly kill after ten seconds; this leaves one for the exit itself. */
  SHUTDOWN_TIMEOUT_MS: z.coerce.number().int().min(100).max(600_000).default(9_000),
};
export const commonConfig = z.object(commonConfigShape);

/**
 * @throws {ConfigError} naming every variable that is wrong; also, in every service alike, when the development secret
 * is about to be used in production
 */
export function parseConfig<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  refuseDevelopmentSecret(env);
  // An empty variable is one that was not set: compose files and shells cannot tell the two apart.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given, { error: operatorWords });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => describeIssue(issue, given));
  throw new ConfigError(`cannot start, the environment is wrong:\n  ${lines.join("\n  ")}`);
}

/**
 * Part of `parseConfig`, so that it holds for services that check no token too: one that starts quietly would hide that
 * the installation has no secret.
 *
 * @throws {ConfigError}
 */
export function refuseDevelopmentSecret(env: NodeJS.ProcessEnv): void {
  if (env.NODE_ENV === "production" && env.AUTH_JWT_SECRET === DEVELOPMENT_SECRET) {
    throw new ConfigError("AUTH_JWT_SECRET is the development secret, which everybody knows: set your own");
  }
}

/** Where zod would speak of types and of what it received. */
function operatorWords(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === "invalid_type"
    ? `must be a ${issue.expected === "int" ? "whole number" : issue.expected}`
    : undefined;
}

function describeIssue(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string {
  if (issue.path.length === 0) return issue.message;
  const isUnset = given[String(issue.path[0])] === undefined && issue.code !== "custom";
  return `${issue.path.map(String).join(".")}: ${isUnset ? "is not set" : issue.message}`;
}
