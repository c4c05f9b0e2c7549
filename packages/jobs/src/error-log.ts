/** While the same error repeats, it is logged this often. */
const REPEATED_MS = 10_000;

/** What this package needs of a logger; pino's fits. */
export interface JobsLog {
  info(info: object, message: string): void;
  warn(info: object, message: string): void;
  error(info: object, message: string): void;
}

/** Listens to what BullMQ and its connections report: every one of them needs a listener, or an error ends the process. */
export function errorListener(log: Pick<JobsLog, "warn">, where: string): (error: Error) => void {
  let last = { message: "", atMs: Number.NEGATIVE_INFINITY };
  return (error) => {
    const now = performance.now();
    if (error.message === last.message && now - last.atMs < REPEATED_MS) return;
    last = { message: error.message, atMs: now };
    log.warn({ err: error.message, where }, "queue connection error");
  };
}
