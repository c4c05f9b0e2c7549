import { randomUUID } from "node:crypto";

/** A name no other test uses: for key prefixes, databases, users. */
export function uniqueName(what: string): string {
  return `${what}_${randomUUID().slice(0, 13).replace("-", "")}`;
}
