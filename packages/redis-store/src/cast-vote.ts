/**
 * The cast: everything a vote does before it is answered, as one atomic script and one round trip.
 * The contract of the script stands at its head (`cast-vote.lua`); this file only names its arguments and results.
 */
import type { RedisNames, VoteAction, VoteType } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { heldVote } from "./held-vote.js";
import type { ProjectHold } from "./hold-project.js";
import { callScript } from "./scripts.js";

/** How long a request's answer is kept in Redis; from then on `vote_events` answers. */
const REQUEST_TTL_S = 3_600;
export const IDEMPOTENCY_TTL_S = 86_400;

export interface VoteLimit {
  /** Answered votes per user and project in any window; 0 = no limit. */
  max: number;
  windowMs: number;
}

/** A user's vote read elsewhere, for a project whose voters are not all in Redis. */
export interface KnownVote {
  /** The generation the `ask` named: a project loaded again since then asks again. */
  generation: string;
  voteType: VoteType;
  version: number;
  givenAtUs: number;
}

export interface CastRequest {
  requestId: string;
  projectId: string;
  userId: string;
  voteType: VoteType;
  /** µs of Redis's clock; run later, the cast does nothing. */
  deadlineUs: number;
  limit: VoteLimit;
  idempotency?: { key: string; fingerprint: string } | undefined;
  /** PostgreSQL was asked for the Idempotency-Key and does not know it: the answer to an `ask-key`. */
  isKeyNew?: boolean | undefined;
  knownVote?: KnownVote | undefined;
}

/** What a request came to, as remembered in Redis. */
export interface VoteAnswer {
  requestId: string;
  projectId: string;
  userId: string;
  action: VoteAction;
  upvotes: number;
  downvotes: number;
  voteType: VoteType;
  version: number;
  acceptedAtUs: number;
  /** The stream entry that must be applied before the answer is durable. */
  eventId: string;
}

/** The limit after this vote: how many more are allowed, and when the oldest counted one leaves the window. */
export interface RateState {
  remaining: number;
  resetUs: number;
}

export type CastOutcome = { nowUs: number } & (
  | { kind: "answer"; replayed: boolean; rate: RateState; answer: VoteAnswer; boardId: string | null }
  | { kind: "limited"; resetUs: number }
  | { kind: "ask"; generation: string; period: number }
  | { kind: "ask-key" }
  | ({ kind: "absent" } & ProjectHold)
  | { kind: "late" }
  | { kind: "conflict" }
  | { kind: "up-only" }
);

export async function castVote(client: RedisClient, names: RedisNames, cast: CastRequest): Promise<CastOutcome> {
  return readOutcome((await callScript(client, "cast-vote", keysOf(names, cast), argumentsOf(cast))) as string[]);
}

function keysOf(names: RedisNames, { projectId, userId, requestId, idempotency }: CastRequest): string[] {
  const shard = names.shardOf(projectId);
  const request = names.request(shard, requestId);
  return [
    names.project(projectId),
    names.votesOfPeriods(projectId),
    names.events(shard),
    names.changed(shard),
    request,
    names.rate(projectId, userId),
    idempotency === undefined ? request : names.idempotency(projectId, userId, idempotency.key),
    idempotency === undefined ? request : names.keysLost(shard),
  ];
}

function argumentsOf(cast: CastRequest): (string | number)[] {
  const { knownVote: known } = cast;
  return [
    cast.requestId,
    cast.projectId,
    cast.userId,
    cast.voteType,
    cast.deadlineUs,
    cast.limit.max,
    cast.limit.windowMs * 1_000,
    REQUEST_TTL_S,
    cast.idempotency?.fingerprint ?? "",
    IDEMPOTENCY_TTL_S,
    known?.generation ?? "",
    known === undefined ? "" : heldVote(known),
    cast.idempotency?.key ?? "",
    cast.isKeyNew === true ? 1 : "",
  ];
}

function readOutcome(reply: string[]): CastOutcome {
  const [kind, now, third = "", fourth = "", fifth = "", stored = "", board = ""] = reply;
  const nowUs = Number(now);
  switch (kind) {
    case "answer":
      return {
        kind,
        nowUs,
        replayed: Number(third) === 1,
        rate: { remaining: Number(fourth), resetUs: Number(fifth) },
        answer: parseVoteAnswer(stored),
        boardId: board === "" ? null : board,
      };
    case "limited":
      return { kind, nowUs, resetUs: Number(third) };
    case "ask":
      return { kind, nowUs, generation: third, period: Number(fourth) };
    case "absent":
      return { kind, nowUs, held: third, lastEventId: fourth };
    case "late":
    case "conflict":
    case "up-only":
    case "ask-key":
      return { kind, nowUs };
    default:
      throw new Error(`cast-vote.lua returned an unknown kind: ${kind}`);
  }
}

/** An answer as `cast-vote.lua` stores it. */
export function voteAnswerText(answer: VoteAnswer): string {
  const { requestId, projectId, userId, action, upvotes, downvotes, voteType, version, acceptedAtUs, eventId } = answer;
  return [requestId, projectId, userId, action, upvotes, downvotes, voteType, version, acceptedAtUs, eventId].join(
    "\n",
  );
}

/** Reads the answer as `cast-vote.lua` stores it. */
export function parseVoteAnswer(stored: string): VoteAnswer {
  const [requestId, projectId, userId, action, upvotes, downvotes, voteType, version, acceptedAtUs, eventId] =
    stored.split("\n") as [string, string, string, VoteAction, string, string, VoteType, string, string, string];
  return {
    requestId,
    projectId,
    userId,
    action,
    upvotes: Number(upvotes),
    downvotes: Number(downvotes),
    voteType,
    version: Number(version),
    acceptedAtUs: Number(acceptedAtUs),
    eventId,
  };
}

/** What a request came to, or `null` when Redis does not know it (any more). */
export async function readVoteAnswer(
  client: RedisClient,
  names: RedisNames,
  request: { shard: number; requestId: string },
): Promise<VoteAnswer | null> {
  const stored = await client.get(names.request(request.shard, request.requestId));
  return stored === null ? null : parseVoteAnswer(stored);
}

/** The answer remembered for an Idempotency-Key, or `null`. */
export async function readRememberedAnswer(
  client: RedisClient,
  names: RedisNames,
  { projectId, userId, key }: { projectId: string; userId: string; key: string },
): Promise<VoteAnswer | null> {
  const remembered = await client.get(names.idempotency(projectId, userId, key));
  return remembered === null ? null : parseVoteAnswer(remembered.slice(remembered.indexOf("\n") + 1));
}
