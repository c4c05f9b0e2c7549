/** The work was not done in time. What became of it is unknown. */
export class DeadlineExceededError extends Error {
  override readonly name = "DeadlineExceededError";
  constructor(
    readonly what: string,
    /** How long it had. */
    readonly ms: number,
  ) {
    super("not done within its deadline");
  }
}

/**
 * Gives `work` so much time. Work that takes the signal can end with it; anything else may go on: nothing in JavaScript
 * stops it, but nobody waits any more.
 *
 * A busy process looks at its timers before it looks at its sockets, and an answer that has long arrived would be too late.
 * So when the time is up, what came in meanwhile is still taken.
 *
 * @throws {DeadlineExceededError}
 */
export async function withDeadline<T>(
  work: Promise<T> | ((signal: AbortSignal) => Promise<T>),
  ms: number,
  what: string,
): Promise<T> {
  const timeUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let lastLook: NodeJS.Immediate | undefined;
  const expired = new Promise<never>((_, reject) => {
    const giveUp = () => {
      const error = new DeadlineExceededError(what, ms);
      // Rejected first: work that fails because of the signal must not be what the caller hears.
      reject(error);
      timeUp.abort(error);
    };
    timer = setTimeout(() => {
      lastLook = setImmediate(giveUp);
    }, ms);
  });
  try {
    const running = typeof work === "function" ? work(timeUp.signal) : work;
    // `race` also listens to the loser, so a failure after the deadline is no unhandled rejection.
    return await Promise.race([running, expired]);
  } finally {
    clearTimeout(timer);
    clearImmediate(lastLook);
  }
}
