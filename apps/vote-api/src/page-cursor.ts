/** Cursors of lists, opaque to callers: what a page ended with, as base64url. */
import { problem } from "@votesync/service-kit";
import type { z } from "zod";

export const formatCursor = (cursor: object) => Buffer.from(JSON.stringify(cursor)).toString("base64url");

/** @throws {HttpError} 400 for what is no cursor of this list */
export function parseCursor<T>(text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    // Whatever is wrong with it, it is not a cursor this list gave out.
    throw problem(400, "The cursor does not belong to this list.", {
      errors: [{ path: "cursor", message: "must be a next_cursor of the same list" }],
    });
  }
}
