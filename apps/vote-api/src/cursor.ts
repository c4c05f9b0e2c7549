import { problem } from "@votesync/service-kit";
import type { z } from "zod";

/** Where a page ended, as callers see it: opaque, and safe in an address. */
export const formatCursor = (position: object): string => Buffer.from(JSON.stringify(position)).toString("base64url");

/** @throws 400 when it is none that such a list gave out */
export function parseCursor<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    throw problem(400, "The cursor does not belong to this list.", {
      errors: [{ path: "cursor", message: "must be a next_cursor of the same list" }],
    });
  }
}
