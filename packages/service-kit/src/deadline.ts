/** The work was not done in time. What became of it is unknown. */
export class DeadlineExceededError extends Error {
  override readonly name = "DeadlineExceededError";
  constructor(
    readonly what: string,
    readonly deadlineMs: number,
  ) {
    super("not done within its deadline");
  }
}

/**
 * Gives `work` so much time. The work itself may go on: nothing in JavaScript can stop it, but nobody waits any more.
 *
 * @throws {DeadlineExceededError}
 */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceededError(what, deadlineMs)), deadlineMs);
  });
  // A failure after the deadline has nobody left to hear it.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
