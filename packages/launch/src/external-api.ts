/**
 * The other voting API's wire format, and one call to it: bounded in time and size, signed, and believed only when it makes
 * sense. docs/external-votes.md says the same for whoever builds such an API.
 *
 * Requests carry the headers of the Standard Webhooks scheme; `webhook-id` is the same for every try of the same request.
 */
import { entityIdSchema, launchDateSchema } from "@votesync/core";
import pRetry, { AbortError } from "p-retry";
import { Webhook } from "standardwebhooks";
import { z } from "zod";

/** Of what its answers say: ten thousand apps are a tenth of it. */
const MAX_ANSWER_BYTES = 8 * 1_048_576;
const RETRIES = 2;
const RETRY_MS = 250;
/** The server is there, and may be able the next moment. */
const WORTH_ANOTHER_TRY = [429, 502, 503, 504];

export const votesAnswerSchema = z.object({
  date: launchDateSchema,
  countedAt: z.iso.datetime({ offset: true }),
  votes: z.array(z.object({ appId: entityIdSchema, votes: z.int().nonnegative() })).max(100_000),
});

export const flushAnswerSchema = z.object({
  date: launchDateSchema,
  flushed: z.array(entityIdSchema).max(100_000),
});

export interface ExternalApiOptions {
  /** Base address; what it is asked is appended to its path. */
  url: string;
  secret: string;
  /** For one try, its answer read to the end. */
  timeoutMs: number;
}

/** What the other API answered, or did not. */
export class ExternalVotesError extends Error {
  override readonly name = "ExternalVotesError";
  constructor(what: string, cause?: unknown) {
    super(`the external voting API ${what}`, { cause });
  }
}

export interface ExternalRequest {
  /** Identifies the request over all its tries. */
  id: string;
  path: string;
  query?: Record<string, string>;
  /** Sent with POST; without one it is GET. */
  body?: object;
}

/** @throws {ExternalVotesError} */
export async function callExternal<T>(
  options: ExternalApiOptions,
  request: ExternalRequest,
  schema: z.ZodType<T>,
): Promise<T> {
  const text = await pRetry(() => callOnce(options, request), { retries: RETRIES, minTimeout: RETRY_MS, factor: 2 });
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw new ExternalVotesError(`answered what is no answer: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

async function callOnce({ url, secret, timeoutMs }: ExternalApiOptions, request: ExternalRequest): Promise<string> {
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  const response = await fetch(addressOf(url, request), {
    method: request.body === undefined ? "GET" : "POST",
    headers: { ...signed(secret, request.id, body), accept: "application/json", "content-type": "application/json" },
    ...(request.body === undefined ? {} : { body }),
    redirect: "error",
    // Also ends an answer that drips.
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw new ExternalVotesError(`cannot be reached: ${reasonOf(error)}`, error);
  });
  if (response.ok) return readBounded(response);
  await response.body?.cancel().catch(() => undefined);
  const error = new ExternalVotesError(`answered ${response.status}`);
  throw WORTH_ANOTHER_TRY.includes(response.status) ? error : new AbortError(error);
}

function addressOf(base: string, { path, query = {} }: ExternalRequest): URL {
  const address = new URL(base);
  address.pathname = `${address.pathname.replace(/\/$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address;
}

function signed(secret: string, id: string, body: string): Record<string, string> {
  const now = new Date();
  const signature = new Webhook(secret, { format: "raw" }).sign(id, now, body);
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new AbortError(new ExternalVotesError("answered too much"));
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AbortError) throw error;
    throw new ExternalVotesError(`broke off its answer: ${reasonOf(error)}`, error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ExternalVotesError("answered what is no JSON");
  }
}

function firstIssue({ issues: [issue] }: z.ZodError): string {
  return issue === undefined ? "" : `${issue.path.join(".")} ${issue.message}`;
}

/** fetch hides it behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
