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
export function isOneKeysTrouble(error: unknown): error is Error {
  if (!(error instanceof (ReplyError as unknown as new () => Error))) return false;
  return !REFUSALS.has(error.message.split(" ", 1)[0] ?? "");
}

/** For reads of many keys at once: `undefined` where the one key is damaged, so that the others are read all the same. */
export function unlessDamaged<T>(reply: Promise<T>): Promise<T | undefined> {
  return reply.catch((error: unknown) => {
    if (isOneKeysTrouble(error)) return undefined;
    throw error;
  });
}
