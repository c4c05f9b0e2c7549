/**
 * The one way this page asks the server: JSON both ways, a deadline on everything, and whatever is not a 2xx answer
 * thrown as a `RequestError` that says in words what a reader can use.
 */
const DEADLINE_MS = 8_000;

export interface FieldError {
  path: string;
  message: string;
}

/** The parts of an RFC 9457 problem this page shows. */
interface Problem {
  title?: string;
  detail?: string;
  errors?: FieldError[];
}

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
    super("request failed", { cause: o.cause });
    this.status = status;
    this.title = problem.title ?? `The server answered ${status}`;
    this.detail = problem.detail ?? "";
    this.fieldErrors = problem.errors ?? [];
    this.retryAfterS = o.retryAfterS ?? null;
  }
}

export interface RequestOptions {
  method?: "GET" | "POST";
  body?: object;
  token?: string | undefined;
  headers?: Record<string, string>;
  deadlineMs?: number;
}

/** @throws {RequestError} and nothing else */
export async function requestJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const [response, text] = await send(path, options);
  const body = parsed(text);
  if (!response.ok) {
    const problem = typeof body === "object" && body !== null ? (body as Problem) : {};
    throw new RequestError(response.status, problem, { retryAfterS: secondsOf(response.headers.get("Retry-After")) });
  }
  if (body === undefined) {
    throw new RequestError(response.status, { title: "The server's answer was not understood", detail: path });
  }
  return body as T;
}

/** The deadline covers the body too. */
async function send(path: string, o: RequestOptions): Promise<[Response, string]> {
  const headers: Record<string, string> = { Accept: "application/json", ...o.headers };
  if (o.body !== undefined) headers["Content-Type"] = "application/json";
  if (o.token !== undefined) headers.Authorization = `Bearer ${o.token}`;
  try {
    const response = await fetch(path, {
      method: o.method ?? "GET",
      headers,
      body: o.body === undefined ? null : JSON.stringify(o.body),
      signal: AbortSignal.timeout(o.deadlineMs ?? DEADLINE_MS),
    });
    return [response, await response.text()];
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    const detail = late
      ? "It did not answer in time. It may be busy; try again in a moment."
      : "Check that it is running and that this device is connected.";
    throw new RequestError(null, { title: "No answer from the server", detail }, { cause });
  }
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
