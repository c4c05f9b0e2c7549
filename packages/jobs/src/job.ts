import type { QueueName } from "@votesync/core";
import type { z } from "zod";

/**
 * A kind of job, declared once for who adds and who does it. A job may run twice, and may be lost with Redis: what it
 * does is harmless when repeated, and a sweep finds what was missed.
 */
export interface JobKind<T> {
  readonly queue: QueueName;
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** Tries until it counts as failed. */
  readonly attempts: number;
  /** Pause before the second try, doubled with each further one. */
  readonly backoffMs: number;
}

const ATTEMPTS = 5;
const BACKOFF_MS = 1_000;

export function declareJob<T>(
  kind: Pick<JobKind<T>, "queue" | "name" | "schema"> & Partial<Pick<JobKind<T>, "attempts" | "backoffMs">>,
): JobKind<T> {
  return { attempts: ATTEMPTS, backoffMs: BACKOFF_MS, ...kind };
}
