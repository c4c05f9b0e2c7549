import { z } from "zod";

/** Ids made by votesync or its callers (projects, boards, apps): 1–64 of `A-Z a-z 0-9 _ . : -`. */
export const entityIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, "must be 1 to 64 characters out of A-Z a-z 0-9 _ . : -");

/**
 * User ids come from somebody else's identity provider (the token's `sub`): any 1–255 printable characters.
 * Control, format and unassigned characters and lone surrogates are out: they make two ids look like one, and
 * PostgreSQL refuses NUL.
 */
export const userIdSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, "must be printable characters");

/** RFC draft "Idempotency-Key": up to 255 printable ASCII characters; the quotes of its string form are dropped. */
export const idempotencyKeySchema = z
  .string()
  .transform((raw) => (/^".*"$/.test(raw) ? raw.slice(1, -1) : raw))
  .pipe(z.string().regex(/^[\x20-\x7e]{1,255}$/, "must be 1 to 255 printable ASCII characters"));

/** A user id as part of a Redis key: no two ids share a result, and the result holds no `:`. */
export function encodeUserId(userId: string): string {
  return encodeURIComponent(userId);
}
