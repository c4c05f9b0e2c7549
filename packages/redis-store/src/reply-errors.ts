import { ReplyError } from "ioredis";

/** Codes, the first words of error replies, that say the server cannot be used now. */
const REFUSALS = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "NOAUTH",
  "NOPERM",
  "OOM",
  "READONLY",
  "TRYAGAIN",
]);

/** Whether Redis answered, is well, and only refuses this command: a key of another type, a damaged value. */
export function isOneKeysTrouble(error: unknown): boolean {
  if (!(error instanceof (ReplyError as unknown as new () => Error))) return false;
  return !REFUSALS.has(error.message.split(" ", 1)[0] ?? "");
}
