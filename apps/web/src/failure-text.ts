/** Failures in words a reader can use. */
import type { RequestError } from "@votesync/client";

/** Why a click had no effect, and what to do about it. */
export function voteFailureText(error: RequestError): string {
  if (error.status === null && error.cause !== undefined) {
    return `${error.message}. Your vote may not have been counted: click again to be sure.`;
  }
  const { message, status, retryAfterS } = error;
  if (status === 429 && retryAfterS !== null) return `${message} Try again in ${retryAfterS} s.`;
  return failureText(error);
}

/** A problem as one or two sentences. */
function failureText({ message: first, detail, fieldErrors }: RequestError): string {
  const fields = fieldErrors.map(({ path, message }) => (path === "" ? message : `${path} ${message}`)).join("; ");
  return [first, fields || (detail === first ? "" : detail)]
    .filter((part) => part !== "")
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(" ");
}
