import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

/**
 * Waits until a fact holds, and returns it: `fact` is asked again and again until it gives something other than
 * `false`, `null` or `undefined`. An error counts as "not yet" and is told when the deadline passes.
 */
export async function waitFor<T>(
  what: string,
  fact: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  deadlineMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await fact();
      if (value !== false && value !== null && value !== undefined) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
}
