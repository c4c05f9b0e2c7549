import { unavailable } from "@votesync/service-kit";
import { isHttpError } from "http-errors";
import { ZodError } from "zod";

/** What JavaScript throws when the program is wrong. */
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError, URIError, EvalError];

/**
 * What goes wrong here is either meant for the caller, or a bug, or a store: this service does nothing else. Stores fail
 * in too many ways to list (refused, reset, timed out, read-only, out of memory, still loading), so what is neither of
 * the first two is a store that cannot be used now: 503, and asking again is safe.
 */
export function answerable(error: unknown): unknown {
  const known = isHttpError(error) || error instanceof ZodError || BUGS.some((bug) => error instanceof bug);
  return known ? error : unavailable("A store cannot be reached right now. Nothing is lost: try again.", error);
}
