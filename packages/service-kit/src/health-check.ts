/** What a service needs to be of use, asked and summed up. */
import { withDeadline } from "./deadline.js";

export interface HealthCheck {
  name: string;
  /** Without it the service cannot do its work; others only degrade it. */
  required: boolean;
  /** @returns what an operator might want to know. @throws when it is down */
  check(): Promise<unknown>;
}

export interface CheckResult {
  status: "up" | "down";
  latency_ms: number;
  required: boolean;
  error?: string;
  [info: string]: unknown;
}

export interface HealthReport {
  /** `down`: something required is down; `degraded`: something else is. */
  status: "ok" | "degraded" | "down";
  service: string;
  checks: Record<string, CheckResult>;
}

/** Runs all checks side by side, each with its own deadline. Never fails. */
export async function runChecks(
  service: string,
  checks: readonly HealthCheck[],
  timeoutMs: number,
): Promise<HealthReport> {
  const results = await Promise.all(
    checks.map(async (check) => [check.name, await runCheck(check, timeoutMs)] as const),
  );
  const down = results.filter(([, result]) => result.status === "down");
  const status = down.some(([, { required }]) => required) ? "down" : down.length > 0 ? "degraded" : "ok";
  return { status, service, checks: Object.fromEntries(results) };
}

async function runCheck({ name, required, check }: HealthCheck, timeoutMs: number): Promise<CheckResult> {
  const startedAt = performance.now();
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const info = await withDeadline(async () => check(), timeoutMs, name);
    return { ...(typeof info === "object" ? info : {}), status: "up", latency_ms: latency(), required };
  } catch (error) {
    return { status: "down", latency_ms: latency(), required, error: wordsOf(error) };
  }
}

/** Node's own connection error over several addresses has an empty message; its code says what happened. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
}
