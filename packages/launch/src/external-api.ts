/**
 * The other voting API's wire format, and one call to it: bounded in time and size, signed, and believed only when it makes
 * sense. docs/external-votes.md says the same for whoever builds such an API.
 *
 * Requests carry the headers of the Standard Webhooks scheme; `webhook-id` is the same for every try of one request, and
 * another for the next, so that an API that remembers its answers by it cannot hold a half-done flush for ever. Only what may
 * pass within a second is tried again here. A server that is silent is not: whoever asks comes back with growing pauses.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { entityIdSchema, launchDateSchema } from "@votesync/core";
import pRetry from "p-retry";
import { Webhook } from "standardwebhooks";
import { z } from "zod";

/** Of what its answers say: ten thousand apps are a tenth of it. */
const MAX_ANSWER_BYTES = 8 * 1_048_576;
/** Per app. Sums over a hundred thousand of them stay exact. */
const MAX_VOTES = 10_000_000_000;
const RETRIES = 2;
const RETRY_MS = 250;
/** A server that wants to be left alone for longer is not tried again. */
const MAX_RETRY_AFTER_MS = 2_000;
/** The server is there, and may be able the next moment. */
const PASSING = [429, 502, 503, 504];
const JSON_TYPE = /^application\/([\w.+-]+\+)?json\s*(;|$)/i;

export const votesAnswerSchema = z.object({
  date: launchDateSchema,
  countedAt: z.iso.datetime({ offset: true }),
  votes: z.array(z.object({ appId: entityIdSchema, votes: z.int().min(0).max(MAX_VOTES) })).max(100_000),
});

export const flushAnswerSchema = z.object({
  date: launchDateSchema,
  flushed: z.array(entityIdSchema).max(100_000),
});

export interface ExternalApiOptions {
  /** Base address; what it is asked is appended to its path. */
  url: string;
  /** Without one requests are not signed. */
  secret: string | undefined;
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

/** It may be over the next moment. */
class PassingError extends ExternalVotesError {
  constructor(
    what: string,
    cause?: unknown,
    readonly retryAfterMs = 0,
  ) {
    super(what, cause);
  }
}

export interface ExternalRequest {
  /** Begins the request's id, and so is signed too. */
  name: string;
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
  const id = `${request.name}-${randomUUID()}`;
  const retry = { retries: RETRIES, minTimeout: RETRY_MS, factor: 2, shouldRetry: waitForAnotherTry };
  const text = await pRetry(() => callOnce(options, { ...request, id }), retry);
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw new ExternalVotesError(`answered what is no answer: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

async function waitForAnotherTry({ error }: { error: Error }): Promise<boolean> {
  if (!(error instanceof PassingError) || error.retryAfterMs > MAX_RETRY_AFTER_MS) return false;
  await delay(error.retryAfterMs);
  return true;
}

async function callOnce(
  { url, secret, timeoutMs }: ExternalApiOptions,
  request: ExternalRequest & { id: string },
): Promise<string> {
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  const response = await fetch(addressOf(url, request), {
    method: request.body === undefined ? "GET" : "POST",
    headers: { ...signed(secret, request.id, body), accept: "application/json", "content-type": "application/json" },
    ...(request.body === undefined ? {} : { body }),
    // Not followed: what is signed is for this address.
    redirect: "manual",
    // Also ends an answer that drips.
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw brokenOff("cannot be reached", error);
  });
  const refusal = refusalOf(response);
  if (refusal === null) return readBounded(response);
  await response.body?.cancel().catch(() => undefined);
  throw refusal;
}

function refusalOf({ ok, status, headers }: Response): ExternalVotesError | null {
  if (!ok) {
    const what = `answered ${status}`;
    const passes = PASSING.includes(status);
    return passes ? new PassingError(what, undefined, retryAfterMs(headers)) : new ExternalVotesError(what);
  }
  const type = headers.get("content-type");
  if (type === null || JSON_TYPE.test(type)) return null;
  return new ExternalVotesError(`answered ${type.split(";")[0]?.slice(0, 50)}, not JSON`);
}

/** Seconds or a date; what is neither says nothing. */
function retryAfterMs(headers: Headers): number {
  const text = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

function addressOf(base: string, { path, query = {} }: ExternalRequest): URL {
  const address = new URL(base);
  address.pathname = `${address.pathname.replace(/\/$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address;
}

function signed(secret: string | undefined, id: string, body: string): Record<string, string> {
  if (secret === undefined) return { "webhook-id": id };
  const now = new Date();
  const signature = new Webhook(Buffer.from(secret, "utf8"), { format: "raw" }).sign(id, now, body);
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new ExternalVotesError("answered too much");
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof ExternalVotesError ? error : brokenOff("broke off its answer", error);
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

/** fetch hides the reason behind "fetch failed", and the one of a name with several addresses has a code only. */
function brokenOff(what: string, error: unknown): ExternalVotesError {
  const { name, message, cause } = error as Error & { cause?: { message?: string; code?: string } };
  const words = `${what}: ${cause?.message || cause?.code || message}`;
  return name === "TimeoutError" ? new ExternalVotesError(words, error) : new PassingError(words, error);
}
