/**
 * The short way for the plain vote: a `POST /api/votes` with a small JSON body goes from the socket to `recordVote`
 * without passing through Express. Everything else, however slightly unusual, takes the ordinary way and gets the same
 * answer there, from the same function.
 *
 * Why: Express with its JSON parser costs more than all the rest of a vote. Figures in docs/adr/0002.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Identity, type Logger, problem, sendProblem } from "@votesync/service-kit";
import { answerable } from "./answerable-error.js";
import { MAX_BODY_BYTES } from "./body-limit.js";
import type { CrossOrigin } from "./cross-origin.js";
import type { HttpMetrics } from "./http-metrics.js";
import { requestIdOf } from "./request-id.js";
import type { RequestLimits } from "./request-limits.js";
import { API_SECURITY_HEADERS } from "./security-headers.js";
import type { HttpAnswer, VoteHttpRequest } from "./vote-route.js";

export const VOTE_PATH = "/api/votes";
const PLAIN_JSON = new Set(["application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"]);

export interface FastVoteDeps {
  authenticate: (authorization: string | undefined) => Identity | Promise<Identity>;
  recordVote: (request: VoteHttpRequest) => Promise<HttpAnswer>;
  crossOrigin: CrossOrigin;
  limits: RequestLimits;
  metrics: HttpMetrics;
  log: Logger;
  /** Answers everything else. */
  ordinary: RequestListener;
}

export function createFastVoteListener(deps: FastVoteDeps): RequestListener {
  return (req, res) => {
    if (isPlainVote(req)) deps.crossOrigin(req, res, () => void answerVote(deps, req, res));
    else deps.ordinary(req, res);
  };
}

function isPlainVote({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === "POST" &&
    url === VOTE_PATH &&
    PLAIN_JSON.has(headers["content-type"] ?? "") &&
    Number(headers["content-length"]) <= MAX_BODY_BYTES &&
    headers["content-encoding"] === undefined &&
    headers.expect === undefined
  );
}

async function answerVote(deps: FastVoteDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const startedAtMs = performance.now();
  const requestId = requestIdOf(req.headers["x-request-id"]);
  res.setHeader("X-Request-Id", requestId);
  try {
    // The body first, whatever comes of the request: what is not read would be taken for the next one.
    const text = await readBody(req);
    await deps.limits.address(req);
    const voter = await deps.authenticate(req.headers.authorization);
    await deps.limits.user(voter.userId);
    const answer = await deps.recordVote({ voter, body: parseJson(text), idempotencyKeys: idempotencyKeys(req) });
    sendAnswer(res, answer);
  } catch (error) {
    for (const [name, value] of Object.entries(API_SECURITY_HEADERS)) res.setHeader(name, value);
    sendProblem(res, answerable(error), { instance: VOTE_PATH, requestId, log: deps.log });
  }
  deps.metrics.observe({ method: "POST", route: VOTE_PATH, status: res.statusCode, startedAtMs });
}

/** The length was checked before: Node ends a request whose body is longer or shorter than it said. */
function readBody(req: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    req.once("error", () => reject(problem(400, "The request ended before its body was complete.")));
  });
}

function parseJson(text: string): unknown {
  try {
    // A byte order mark is no JSON, but Express lets it pass, and some clients send it.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw problem(400, "The body is not valid JSON.");
  }
}

function idempotencyKeys(req: IncomingMessage): readonly string[] {
  return req.headers["idempotency-key"] === undefined ? [] : (req.headersDistinct["idempotency-key"] ?? []);
}

function sendAnswer(res: ServerResponse, answer: HttpAnswer): void {
  const body = JSON.stringify(answer.body);
  res.writeHead(answer.status, {
    ...API_SECURITY_HEADERS,
    ...answer.headers,
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  });
  res.end(body);
}
