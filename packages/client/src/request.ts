/**
 * The one way to the HTTP API: JSON both ways, a deadline on everything, and whatever is not a 2xx answer thrown as a
 * `RequestError`. A token the server does not take any more is asked for anew, once.
 */
import type { TokenSource } from "./token-source.js";

const DEADLINE_MS = 8_000;

export interface FieldError {
  path: string;
  message: string;
}

/** The parts of an RFC 9457 problem that are shown. */
interface Problem {
  /** Of what kind it is; `about:blank`, or none: its title is the name of the status. */
  type?: string;
  title?: string;
  detail?: string;
  errors?: FieldError[];
}

/** `message` is what tells a visitor most: the title, or the detail where the title only names the status. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** HTTP status; `null` when no answer came, so nobody knows whether the request was carried out. */
  readonly status: number | null;
  readonly title: string;
  readonly detail: string;
  readonly fieldErrors: readonly FieldError[];
  /** Seconds after which another try makes sense. */
  readonly retryAfterS: number | null;

  constructor(status: number | null, problem: Problem, o: { retryAfterS?: number | null; cause?: unknown } = {}) {
    const { type = "about:blank", title = `The server answered ${status}`, detail = "" } = problem;
    const namesStatus = status !== null && type === "about:blank" && detail !== "";
    super(namesStatus ? detail : title, { cause: o.cause });
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.fieldErrors = problem.errors ?? [];
    this.retryAfterS = o.retryAfterS ?? null;
  }
}

export interface RequestOptions {
  method?: "GET" | "POST";
  body?: object;
  headers?: Record<string, string>;
  deadlineMs?: number;
  /** What everybody may read is asked for without a token: no browser has to ask first, and no token can be in the way. */
  anonymous?: boolean;
  /** Goes on when the page is left. */
  keepalive?: boolean;
}

export class Http {
  readonly #baseUrl: string;
  readonly #tokens: TokenSource;
  readonly #fetch: typeof fetch;

  /** @param baseUrl of vote-api, without a slash at its end; empty for the page's own origin */
  constructor(baseUrl: string, tokens: TokenSource, fetcher: typeof fetch = (...a) => fetch(...a)) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#tokens = tokens;
    this.#fetch = fetcher;
  }

  /** @throws {RequestError} and what the token function throws */
  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    if (options.anonymous === true) return this.#once<T>(path, options, null);
    const { session } = this.#tokens;
    const token = await this.#tokens.current();
    try {
      return await this.#once<T>(path, options, token);
    } catch (error) {
      if (token === null || !(error instanceof RequestError) || error.status !== 401) throw error;
      // What one user asked for is not repeated as another.
      if (this.#tokens.session !== session) throw error;
      const next = await this.#tokens.refused(token);
      if (next === null) throw error;
      return this.#once<T>(path, options, next);
    }
  }

  async #once<T>(path: string, options: RequestOptions, token: string | null): Promise<T> {
    const [response, text] = await this.#send(path, options, token);
    const body = parsed(text);
    if (!response.ok) {
      const problem = typeof body === "object" && body !== null ? (body as Problem) : {};
      throw new RequestError(response.status, problem, { retryAfterS: secondsOf(response.headers.get("Retry-After")) });
    }
    if (body === undefined)
      throw new RequestError(response.status, { title: "The server's answer was not understood" });
    return body as T;
  }

  /** The deadline covers the body too. */
  async #send(path: string, o: RequestOptions, token: string | null): Promise<[Response, string]> {
    const headers: Record<string, string> = { Accept: "application/json", ...o.headers };
    if (o.body !== undefined) headers["Content-Type"] = "application/json";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    try {
      const response = await this.#fetch(this.#baseUrl + path, {
        method: o.method ?? "GET",
        headers,
        body: o.body === undefined ? null : JSON.stringify(o.body),
        keepalive: o.keepalive === true,
        signal: AbortSignal.timeout(o.deadlineMs ?? DEADLINE_MS),
      });
      return [response, await response.text()];
    } catch (cause) {
      throw new RequestError(null, { title: "No answer from the server", detail: detailOf(cause) }, { cause });
    }
  }
}

function detailOf(cause: unknown): string {
  const late = cause instanceof DOMException && cause.name === "TimeoutError";
  return late
    ? "It did not answer in time. It may be busy; try again in a moment."
    : "Check that it is running and that this device is connected.";
}

/** `undefined` for what is not JSON: a proxy's error page, say. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Retry-After` as this server sends it: whole seconds. */
function secondsOf(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}
