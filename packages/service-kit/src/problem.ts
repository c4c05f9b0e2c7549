/**
 * Errors on the wire: RFC 9457 problem documents. Anything thrown becomes one; nothing thrown shows its insides.
 * Errors meant for callers are `http-errors`, the family that Express and its body parser throw too.
 */
import { type ServerResponse, STATUS_CODES } from "node:http";
import createError, { type HttpError, isHttpError } from "http-errors";
import { ZodError } from "zod";
import type { Logger } from "./logger.js";

export interface FieldError {
  /** Where in the request, dotted: `vote_type`. Empty for the whole. */
  path: string;
  message: string;
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  request_id?: string;
  errors?: FieldError[];
}

interface ProblemFields {
  title?: string;
  type?: string;
  errors?: FieldError[];
  /** Members of this kind of problem alone. */
  extensions?: Record<string, string | number | null>;
}

export interface ProblemExtra extends ProblemFields {
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error a caller may see: `detail` says what is wrong in words that help. */
export function problem(status: number, detail: string, extra: ProblemExtra = {}): HttpError {
  const { headers, cause, ...fields } = extra;
  // Apart from the error's own properties: body-parser's errors have a `type` too, and it means something else.
  return createError(status, detail, { expose: true, problem: fields, headers, cause });
}

const RETRY_AFTER_S = 1;

/** A dependency is away and there is no way round it. */
export function unavailable(detail: string, cause?: unknown): HttpError {
  return problem(503, detail, { headers: { "Retry-After": String(RETRY_AFTER_S) }, cause });
}

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: Omit<ProblemDocument, "instance" | "request_id">;
}

/** Anything thrown as an answer that is safe to send. */
export function toProblem(error: unknown): ProblemAnswer {
  const { status, detail, fields = {}, headers = {} } = describe(error);
  const { type = "about:blank", title = STATUS_CODES[status] ?? "Error", errors, extensions } = fields;
  const body = { type, title, status, detail, ...(errors === undefined ? {} : { errors }), ...extensions };
  return { status, headers, body };
}

export interface AnswerContext {
  /** The path asked for. */
  instance: string;
  requestId?: string;
  log?: Logger;
}

/** Answers with the problem an error stands for; what is our fault is logged whole and shown as a constant. */
export function sendProblem(res: ServerResponse, error: unknown, { instance, requestId, log }: AnswerContext): void {
  const { status, headers, body } = toProblem(error);
  if (status >= 500) log?.error({ err: error, request_id: requestId, path: instance }, "request failed");
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { errors, ...rest } = body;
  const document: ProblemDocument = {
    ...rest,
    instance,
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(errors === undefined ? {} : { errors }),
  };
  const text = JSON.stringify(document);
  res.writeHead(status, {
    ...headers,
    "Content-Type": "application/problem+json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
  });
  res.end(res.req?.method === "HEAD" ? undefined : text);
}

interface Described {
  status: number;
  detail: string;
  fields?: ProblemFields;
  headers?: Record<string, string> | undefined;
}

const CALLER_FAULT = "The request cannot be answered as it is.";
const OUR_FAULT = "Something went wrong on our side.";

function describe(error: unknown): Described {
  if (error instanceof ZodError) {
    return { status: 400, detail: "The request is not of the right form.", fields: { errors: fieldErrors(error) } };
  }
  if (isHttpError(error) && error.expose) {
    const { problem: fields } = error as { problem?: ProblemFields };
    const detail = fields === undefined ? wordsOfLibrary(error) : error.message;
    return { status: error.status, detail, headers: error.headers, ...(fields === undefined ? {} : { fields }) };
  }
  const status = statusOf(error);
  return { status, detail: status < 500 ? CALLER_FAULT : OUR_FAULT };
}

/** Libraries mark the caller's faults with a status, not always as an HttpError (Express: a bad `%zz` in the path). */
function statusOf(error: unknown): number {
  const status = error instanceof Error && "status" in error ? Number(error.status) : Number.NaN;
  return Number.isInteger(status) && status >= 400 && status < 500 ? status : 500;
}

/** A body of 64 KiB can be wrong in thousands of places; its sender needs the first few. */
const MAX_FIELD_ERRORS = 20;

/** Names of fields that may be said again: everything else is the caller's text. */
const PLAIN_NAME = /^\w{1,64}$/;

function fieldErrors({ issues }: ZodError): FieldError[] {
  return issues.flatMap(toFieldErrors).slice(0, MAX_FIELD_ERRORS);
}

function toFieldErrors(issue: ZodError["issues"][number]): FieldError[] {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  const plain = issue.keys.filter((key) => PLAIN_NAME.test(key));
  const errors = plain.map((key) => ({ path: path === "" ? key : `${path}.${key}`, message: "is not known here" }));
  return plain.length === issue.keys.length ? errors : [{ path, message: "holds names not known here" }, ...errors];
}

/** The parser's own messages quote the input; what is wrong can be said without. */
const PARSER_WORDS: Record<string, string> = {
  "entity.parse.failed": "The body is not valid JSON.",
  "entity.too.large": "The body is too large.",
  "encoding.unsupported": "The content encoding is not supported.",
  "charset.unsupported": "The charset is not supported; send UTF-8.",
  "request.aborted": "The request ended before its body was complete.",
  "request.size.invalid": "The body is not as long as Content-Length says.",
};

const wordsOfLibrary = (error: HttpError): string =>
  PARSER_WORDS[String((error as { type?: string }).type)] ?? CALLER_FAULT;
