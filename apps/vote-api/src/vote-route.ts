/**
 * `POST /api/votes` between HTTP and the use case. It knows neither Express nor sockets: the same function answers the
 * fast listener and the Express route, so the two cannot differ.
 */
import { type CastVoteBody, castVoteBodySchema, idempotencyKeySchema, userVote, voteCount } from "@votesync/core";
import type { RateState, VoteAnswer, VoteLimit } from "@votesync/redis-store";
import { type Identity, problem } from "@votesync/service-kit";
import type { VoteOutcome, VoteRequest } from "./cast-vote.js";

/** How long a caller who wants the vote in PostgreSQL is kept waiting; then it is told that this is still to come. */
const COMMIT_DEADLINE_MS = 5_000;

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: object;
}

export interface VoteRouteDeps {
  castVote: (vote: VoteRequest) => Promise<VoteOutcome>;
  limit: VoteLimit;
  /** Whether PostgreSQL has the vote, waiting for it so long. */
  committed: (answer: VoteAnswer, deadlineMs: number) => Promise<boolean>;
  /** Told what each vote came to. */
  count: (outcome: string) => void;
}

export interface VoteHttpRequest {
  voter: Identity;
  /** The parsed JSON body, not yet looked at. */
  body: unknown;
  /** Each `Idempotency-Key` header of the request. */
  idempotencyKeys: readonly string[];
}

/** @throws {HttpError} for every answer that is not 2xx */
export async function recordVote(deps: VoteRouteDeps, request: VoteHttpRequest): Promise<HttpAnswer> {
  const body = castVoteBodySchema.parse(request.body);
  const outcome = await deps.castVote({
    projectId: body.project_id,
    userId: request.voter.userId,
    voteType: body.vote_type,
    idempotency: idempotencyOf(request.idempotencyKeys, body),
  });
  deps.count(outcomeLabel(outcome));
  switch (outcome.kind) {
    case "answer":
      return recorded(outcome, await isPending(deps, body, outcome), rateHeaders(deps.limit, outcome.rate));
    case "limited":
      throw tooManyVotes(deps.limit, outcome.resetUs);
    case "conflict":
      throw problem(422, "This Idempotency-Key was used with another body.");
    case "up-only":
      throw problem(422, "A launch takes up-votes only: send up, or none to take one back.");
    case "unknown-project":
      throw problem(404, "There is no such project.");
  }
}

function outcomeLabel(outcome: VoteOutcome): string {
  if (outcome.kind !== "answer") return outcome.kind;
  if (outcome.degraded) return "degraded";
  return outcome.replayed ? "replayed" : outcome.answer.action;
}

function idempotencyOf(keys: readonly string[], body: CastVoteBody): VoteRequest["idempotency"] {
  const [raw] = keys;
  if (raw === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(raw);
  if (keys.length > 1 || !parsed.success) {
    throw problem(400, "Idempotency-Key must be given once, as 1 to 255 printable ASCII characters.");
  }
  return { key: parsed.data, fingerprint: `${body.vote_type} ${body.durability}` };
}

type Recorded = Extract<VoteOutcome, { kind: "answer" }>;

/** Whether the caller asked for more than can be said now. What the fallback took is committed. */
async function isPending(deps: VoteRouteDeps, body: CastVoteBody, { answer, degraded }: Recorded): Promise<boolean> {
  return body.durability === "committed" && !degraded && !(await deps.committed(answer, COMMIT_DEADLINE_MS));
}

function recorded(
  { answer, replayed, degraded }: Recorded,
  pending: boolean,
  headers: Record<string, string>,
): HttpAnswer {
  const data = {
    id: answer.projectId,
    upvotes: answer.upvotes,
    downvotes: answer.downvotes,
    voteCount: voteCount(answer),
    user_vote: userVote(answer.voteType),
    request_id: answer.requestId,
    action: answer.action,
    version: answer.version,
    ...(pending ? { state: "pending" } : {}),
    ...(degraded ? { degraded: true } : {}),
  };
  if (replayed) headers["Idempotency-Replayed"] = "true";
  return { status: pending ? 202 : 200, headers, body: { status: "success", message: "Vote recorded", data } };
}

function tooManyVotes(limit: VoteLimit, resetUs: number) {
  const headers = rateHeaders(limit, { remaining: 0, resetUs });
  return problem(429, `At most ${limit.max} votes per project in ${limit.windowMs / 1_000} seconds.`, {
    type: "urn:votesync:problem:too-many-votes",
    title: "Too many vote attempts. Please wait a moment.",
    headers: { ...headers, "Retry-After": String(Math.max(1, Math.ceil(resetUs / 1_000_000))) },
  });
}

function rateHeaders(limit: VoteLimit, rate: RateState): Record<string, string> {
  if (limit.max === 0) return {};
  return {
    "RateLimit-Limit": String(limit.max),
    "RateLimit-Remaining": String(rate.remaining),
    "RateLimit-Reset": String(Math.ceil(rate.resetUs / 1_000_000)),
  };
}
