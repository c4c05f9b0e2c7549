/**
 * Errors on the wire: RFC 9457 problem documents. Anything thrown becomes one; nothing thrown shows its insides.
 * Errors meant for callers are `http-errors`, the family that Express and its body parser throw too.
 */
import type { ServerResponse } from "node:http";
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

export interface ProblemExtra {
  title?: string;
  type?: string;
  errors?: FieldError[];
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error a caller may see: `detail` says what is wrong in words that help. */
export function problem(status: number, detail: string, extra: ProblemExtra = {}): HttpError {
  return createError(status, detail, { expose: true, ...extra });
}

const RETRY_AFTER_S = 1;

/** A dependency is away and there is no way round it. */
export function unavailable(detail: string, cause?: unknown): HttpError {
  return problem(503, detail, { headers: { "Retry-After": String(RETRY_AFTER_S) }, cause });
}

export interface AnswerContext {
  /** The path asked for. */
  instance: string;
  requestId?: string;
  log?: Logger;
}

/** Answers with the problem an error stands for; what is our fault is logged whole and shown as a constant. */
export function sendProblem(res: ServerResponse, error: unknown, ctx: AnswerContext): void {
  const { status, detail, extra } = describe(error);
  if (status >= 500) ctx.log?.error({ err: error, request_id: ctx.requestId, path: ctx.instance }, "request failed");
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const document: ProblemDocument = {
    type: extra.type ?? "about:blank",
    title: extra.title ?? createError(status).message,
    status,
    detail,
    instance: ctx.instance,
    ...(ctx.requestId === undefined ? {} : { request_id: ctx.requestId }),
    ...(extra.errors === undefined ? {} : { errors: extra.errors }),
  };
  const body = JSON.stringify(document);
  res.writeHead(status, {
    ...extra.headers,
    "Content-Type": "application/problem+json; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  });
  res.end(res.req?.method === "HEAD" ? undefined : body);
}

interface Described {
  status: number;
  detail: string;
  extra: ProblemExtra;
}

function describe(error: unknown): Described {
  if (error instanceof ZodError)
    return { status: 400, detail: "The request is not of the right form.", extra: fields(error) };
  if (isHttpError(error) && error.expose) {
    return { status: error.status, detail: wordsOf(error), extra: error as ProblemExtra };
  }
  return { status: 500, detail: "Something went wrong on our side.", extra: {} };
}

const fields = (error: ZodError): ProblemExtra => ({
  errors: error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
});

/** The parser's own messages quote the input; what is wrong can be said without. */
const PARSER_WORDS: Record<string, string> = {
  "entity.parse.failed": "The body is not valid JSON.",
  "entity.too.large": "The body is too large.",
  "encoding.unsupported": "The content encoding is not supported.",
  "charset.unsupported": "The charset is not supported; send UTF-8.",
  "request.aborted": "The request ended before its body was complete.",
  "request.size.invalid": "The body is not as long as Content-Length says.",
};

const wordsOf = (error: HttpError): string => PARSER_WORDS[String((error as { type?: string }).type)] ?? error.message;
