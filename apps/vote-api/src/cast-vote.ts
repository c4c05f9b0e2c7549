/**
 * The use case: one vote, from "this user wants that" to an answer that will not be taken back.
 *
 * Almost always this is one round trip to Redis. The first vote on a cold project, and the first of a user on a project
 * too large to be loaded whole, asks PostgreSQL and casts again. When Redis cannot take the vote in time, PostgreSQL does.
 * The request id is made before the first attempt, so however often and wherever a vote is tried, it counts once.
 */
import { makeRequestId, type VoteType } from "@votesync/core";
import {
  CommitUnknownError,
  castFallbackVote,
  type FallbackOutcome,
  findKeyedAnswer,
  readVote,
  type TransactionOptions,
} from "@votesync/postgres-store";
import { type ProjectLoader, ShardBehindError, type Stores } from "@votesync/reconcile";
import {
  type CastOutcome,
  type KnownVote,
  type RateState,
  type RedisClock,
  STREAM_START,
  type VoteAnswer,
  type VoteLimit,
} from "@votesync/redis-store";
import { DeadlineExceededError, withDeadline } from "@votesync/service-kit";
import type pg from "pg";
import type { DegradedHere } from "./degraded-here.js";
import type { Cast, FastPath } from "./fast-path.js";
import { timeOrderedUuid } from "./time-ordered-uuid.js";

/** ask-key → absent → ask → answer, and one more for a project dropped or a clock corrected in between. */
const MAX_CASTS = 5;
/** Loading goes on for whoever comes next. */
const LOAD_MS = 600;
/** A shard that is not applied by then is behind: this vote takes the fallback. */
const APPLIED_MS = 400;
/** A vote is answered within a second, whichever store is away; the fallback gets what is left, but a fair try. */
const VOTE_MS = 950;
const MIN_FALLBACK_MS = 300;
/** Where no path is left but one, that gets a second more: better a late answer than none, when all are merely slow. */
const LAST_PATH_MS = 1_900;
const MIN_RETRY_MS = 100;

export interface VoteRequest {
  projectId: string;
  userId: string;
  voteType: VoteType;
  idempotency?: { key: string; fingerprint: string } | undefined;
}

export type VoteOutcome =
  /** `degraded`: the fallback took it. */
  | {
      kind: "answer";
      replayed: boolean;
      rate: RateState;
      answer: VoteAnswer;
      /** The board it is on; `null` also when the fallback took it: readers of boards look for such votes. */
      boardId: string | null;
      degraded?: boolean;
    }
  | { kind: "limited"; resetUs: number }
  | { kind: "conflict" }
  | { kind: "up-only" }
  | { kind: "unknown-project" };

/** The project is not in Redis as it must be, and PostgreSQL does not say how it stands: no path is left. */
class ColdProjectError extends Error {
  override readonly name = "ColdProjectError";
  constructor(cause: unknown) {
    super("the project cannot be read from PostgreSQL", { cause });
  }
}

/** The store kept changing under the vote, or its clock is far from ours; nothing was recorded. */
class VoteNotCastError extends Error {
  override readonly name = "VoteNotCastError";
  constructor(readonly lastOutcome: string) {
    super("the vote could not be cast in time");
  }
}

export interface CastVoteDeps extends Stores {
  fastPath: FastPath;
  degraded: DegradedHere;
  clock: RedisClock;
  loader: ProjectLoader;
  limit: VoteLimit;
  /** Brings the board up to date that the vote is on. Never rejects. */
  tellBoard: (boardId: string, vote: CountedVote) => Promise<void>;
  /** Told why a vote takes the fallback. */
  onFallback: (error: unknown) => void;
}

/** A vote that Redis has taken. */
export type CountedVote = Pick<Extract<VoteOutcome, { kind: "answer" }>, "answer" | "replayed">;

/** @throws what PostgreSQL throws: then the outcome is unknown, and asking again is safe */
export async function castVote(deps: CastVoteDeps, vote: VoteRequest): Promise<VoteOutcome> {
  const startedAtMs = performance.now();
  const requestId = makeRequestId(deps.names.shardOf(vote.projectId), timeOrderedUuid());
  try {
    return await castInRedis(deps, { ...vote, requestId, limit: deps.limit });
  } catch (error) {
    if (error instanceof ColdProjectError) throw error;
    deps.onFallback(error);
    const redisIsSlow = error instanceof DeadlineExceededError;
    const leftMs = (ofMs: number) => ofMs - (performance.now() - startedAtMs);
    const fallback = new Fallback(deps, vote, requestId);
    try {
      return await fallback.outcome(Math.max(MIN_FALLBACK_MS, leftMs(redisIsSlow ? VOTE_MS : LAST_PATH_MS)));
    } catch (fallbackError) {
      // While it commits nobody knows whether it has counted.
      if (fallback.commits) return await fallback.outcome(leftMs(LAST_PATH_MS));
      if (!redisIsSlow) throw fallbackError;
      // Redis was only slow, and PostgreSQL is no faster: what time is left is Redis's. The same request counts once.
      return castInRedisAgain(deps, { ...vote, requestId, limit: deps.limit }, () => leftMs(LAST_PATH_MS));
    }
  }
}

/** A vote on its way past Redis. Given up, it is not taken: unless it was committing already. */
class Fallback {
  commits = false;
  private readonly giveUp = new AbortController();
  private readonly work: Promise<VoteOutcome>;

  constructor(deps: CastVoteDeps, vote: VoteRequest, requestId: string) {
    const onCommit = () => {
      this.commits = true;
    };
    this.work = castInPostgres(deps, vote, requestId, { signal: this.giveUp.signal, onCommit });
  }

  /** @throws {DeadlineExceededError} having given it up */
  async outcome(ms: number): Promise<VoteOutcome> {
    try {
      return await withDeadline(this.work, ms, "the fallback");
    } catch (error) {
      this.giveUp.abort(error);
      throw error;
    }
  }
}

/** As often as the time allows. */
async function castInRedisAgain(deps: CastVoteDeps, cast: Cast, leftMs: () => number): Promise<VoteOutcome> {
  for (;;) {
    try {
      return await withDeadline(castInRedis(deps, cast, leftMs), leftMs(), "another try");
    } catch (error) {
      if (!(error instanceof DeadlineExceededError) || leftMs() < MIN_RETRY_MS) throw error;
    }
  }
}

/** @param leftMs after that nobody waits any more, and it is not to be taken */
async function castInRedis(deps: CastVoteDeps, cast: Cast, leftMs?: () => number): Promise<VoteOutcome> {
  let lastOutcome = "";
  for (let i = 0; i < MAX_CASTS; i++) {
    const outcome = await deps.fastPath.cast(cast, leftMs?.());
    switch (outcome.kind) {
      case "answer":
        // Before it is answered: from then on everybody is to see it.
        if (outcome.boardId !== null) await deps.tellBoard(outcome.boardId, outcome);
        return outcome;
      case "limited":
      case "conflict":
      case "up-only":
        return outcome;
      case "absent":
        if (!(await load(deps, cast.projectId, outcome))) return { kind: "unknown-project" };
        break;
      case "ask":
        cast.knownVote = await readKnownVote(deps.pool, { ...cast, ...outcome });
        break;
      case "ask-key": {
        const earlier = await findAnswerToKey(deps.pool, cast);
        if (earlier !== null) return earlier;
        cast.isKeyNew = true;
        break;
      }
      case "late":
        break;
    }
    lastOutcome = outcome.kind;
  }
  throw new VoteNotCastError(lastOutcome);
}

/** @throws {ColdProjectError} when no path is left; anything else, and the fallback can take the vote */
async function load(
  { loader, redis }: CastVoteDeps,
  projectId: string,
  hold: Extract<CastOutcome, { kind: "absent" }>,
): Promise<boolean> {
  try {
    return await withDeadline(loader.load(projectId, hold, APPLIED_MS), LOAD_MS, "loading a project");
  } catch (error) {
    const needsNoRows = error instanceof ShardBehindError || redis.status !== "ready";
    // Merely slow, PostgreSQL may take the vote in the time that is left.
    throw needsNoRows || error instanceof DeadlineExceededError ? error : new ColdProjectError(error);
  }
}

/** The row of one user, for a project too large to be loaded whole. */
async function readKnownVote(
  pool: pg.Pool,
  row: { projectId: string; userId: string; period: number; generation: string },
): Promise<KnownVote> {
  const vote = await readVote(pool, row).catch((error: unknown) => {
    throw new ColdProjectError(error);
  });
  return { generation: row.generation, ...(vote ?? { voteType: "none", version: 0, givenAtUs: 0 }) };
}

/** Redis lost its answers to keys lately. While PostgreSQL is away too the vote goes on: whoever applies its event looks again. */
async function findAnswerToKey(
  pool: pg.Pool,
  { projectId, userId, idempotency, limit }: Cast,
): Promise<VoteOutcome | null> {
  if (idempotency === undefined) return null;
  const found = await findKeyedAnswer(pool, { projectId, userId, key: idempotency.key }).catch(() => null);
  if (found === null) return null;
  if (found.fingerprint !== idempotency.fingerprint) return { kind: "conflict" };
  const rate = { remaining: limit.max, resetUs: 0 };
  return { kind: "answer", replayed: true, rate, answer: { ...found.answer, eventId: STREAM_START }, boardId: null };
}

async function castInPostgres(
  deps: CastVoteDeps,
  vote: VoteRequest,
  requestId: string,
  options: TransactionOptions,
): Promise<VoteOutcome> {
  const { pool, names, limit, clock } = deps;
  const shard = names.shardOf(vote.projectId);
  const redisNowUs = clock.isKnown ? clock.nowUs() : null;
  const fallbackVote = { ...vote, requestId, shard, limit, redisNowUs };
  let outcome: FallbackOutcome;
  try {
    outcome = await castFallbackVote(pool, fallbackVote, options);
    if (outcome.kind === "answer") deps.degraded.mark(vote.projectId);
  } catch (error) {
    // Not for any other error: a project that is held needs PostgreSQL, and that may be what is away.
    if (error instanceof CommitUnknownError) deps.degraded.mark(vote.projectId);
    throw error;
  }
  if (outcome.kind !== "answer") return outcome;
  const { untoldBoardId, replayed, rate } = outcome;
  const answer = { ...outcome.answer, eventId: STREAM_START };
  if (untoldBoardId !== null) await deps.tellBoard(untoldBoardId, { answer, replayed });
  return { kind: "answer", replayed, rate, answer, boardId: null, degraded: true };
}
