/** Failures in words a reader can use. */
import type { RequestError } from "@votesync/client";

/** Why a click had no effect, and what to do about it. */
export function voteFailureText(error: RequestError): string {
  if (error.status === null && error.cause !== undefined) {
    return `${error.title}. Your vote may not have been counted: click again to be sure.`;
  }
  if (error.status === 429 && error.retryAfterS !== null) return `${error.title} Try again in ${error.retryAfterS} s.`;
  return failureText(error);
}

/** A problem as one or two sentences. */
function failureText({ title, detail, fieldErrors }: RequestError): string {
  const fields = fieldErrors.map(({ path, message }) => (path === "" ? message : `${path} ${message}`)).join("; ");
  return [title, fields || detail]
    .filter((part) => part !== "")
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(" ");
}
