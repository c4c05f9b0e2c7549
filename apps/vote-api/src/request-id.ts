import { randomUUID } from "node:crypto";

const PASSED_ON_REQUEST_ID = /^[A-Za-z0-9_.:-]{1,64}$/;

/** A caller's own request id is kept, so that its logs and ours can be laid side by side. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === "string" && PASSED_ON_REQUEST_ID.test(header) ? header : randomUUID();
}
