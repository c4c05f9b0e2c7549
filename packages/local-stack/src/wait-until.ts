import { setTimeout as delay } from "node:timers/promises";

const DEFAULT_POLL_MS = 25;

/**
 * Asks for a fact again and again until it holds. An error counts as "not yet" and becomes the cause when time is up.
 * @throws when the deadline passes, and the signal's reason when it is aborted
 */
export async function waitUntil<T>(
  what: string,
  fact: () => Promise<T | null> | T | null,
  o: { deadlineMs: number; pollMs?: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const deadline = Date.now() + o.deadlineMs;
  let last: unknown;
  do {
    o.signal?.throwIfAborted();
    try {
      const value = await fact();
      if (value !== null) return value;
    } catch (error) {
      last = error;
    }
    await delay(o.pollMs ?? DEFAULT_POLL_MS);
  } while (Date.now() < deadline);
  const why = last instanceof Error ? `: ${last.message}` : "";
  throw new Error(`${what}: not within ${o.deadlineMs / 1_000} s${why}`, { cause: last });
}

/** Whether a promise settles before the deadline. Its outcome is not looked at. */
export async function settlesWithin(promise: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      delay(deadlineMs, false, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}
