import type { KeptAlive } from "./keep-alive.js";
import { waitUntil } from "./wait-until.js";

const REQUEST_DEADLINE_MS = 3_000;
const POLL_MS = 200;
/** Who ended this often in a row, right from the start, will not come up by waiting. */
const HOPELESS_FAILURES = 8;

/** The stack did not become ready; says what is missing. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
}

/** Waits until `/statusz` of the entry service answers 200. @throws {NotReadyError} */
export async function waitForStack(o: {
  url: string;
  services: readonly KeptAlive[];
  deadlineMs: number;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  let missing = "it does not answer";
  const answer = async () => {
    const hopeless = o.services.find((service) => service.failuresInARow >= HOPELESS_FAILURES);
    if (hopeless !== undefined) return `${hopeless.name} ends again and again`;
    const response = await fetch(o.url, { signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) });
    const body = await response.text();
    if (response.ok) return "ready";
    missing = describeMissing(response.status, body);
    return null;
  };
  const outcome = await waitUntil(o.url, answer, { ...o, pollMs: POLL_MS }).catch((error: Error) => {
    o.signal?.throwIfAborted();
    throw new NotReadyError(`not ready after ${o.deadlineMs / 1_000} s: ${o.url}: ${missing}`, { cause: error });
  });
  if (outcome !== "ready") throw new NotReadyError(`cannot start: ${outcome}`);
}

function describeMissing(status: number, body: string): string {
  try {
    const { checks } = JSON.parse(body) as { checks?: Record<string, { status?: string; error?: string }> };
    const down = Object.entries(checks ?? {}).filter(([, check]) => check.status !== "up");
    if (down.length > 0) return down.map(([name, check]) => `${name} (${check.error ?? "down"})`).join(", ");
  } catch {
    // Not the report we know: the status has to do.
  }
  return `answers ${status}`;
}
