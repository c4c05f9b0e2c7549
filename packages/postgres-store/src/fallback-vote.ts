/**
 * A vote while Redis is away: one transaction does what the cast and the worker do, by the same rules. It is slower by an
 * order of magnitude, and right.
 *
 * It holds the shard's row and the project's, so neither a worker nor another fallback moves anything meanwhile. Redis may
 * hold votes that are no rows yet, so what stands here can be old: the vote is therefore always written, also where it changes
 * nothing here (`unchanged`). Its stamp is a time of Redis's clock, as the stamps of the cast are, and above all that this side
 * knows: of two wishes over different paths the later one stands.
 *
 * Beside the vote it leaves a row in `outbox`: the project is degraded until somebody has recovered it. The row is also one mark
 * of the limit, which counts only votes of this path.
 */
import { nextVersion, type VoteAction, type VoteType, voteTransition } from "@votesync/core";
import type pg from "pg";
import { claimKeys, KEY_KEPT } from "./idempotency-keys.js";
import { type LockedProject, lockCurrentPeriod } from "./project-periods.js";
import { AT, US } from "./sql-times.js";
import { inTransaction, type TransactionOptions } from "./transaction.js";
import { upsertVotes } from "./upsert-votes.js";

export interface FallbackVote {
  requestId: string;
  shard: number;
  projectId: string;
  userId: string;
  voteType: VoteType;
  limit: { max: number; windowMs: number };
  idempotency?: { key: string; fingerprint: string } | undefined;
  /** What Redis's clock should show now, µs, as far as the caller knows. It counts only where no worker has measured that clock. */
  redisNowUs: number | null;
}

export interface FallbackAnswer {
  requestId: string;
  projectId: string;
  userId: string;
  action: VoteAction;
  upvotes: number;
  downvotes: number;
  voteType: VoteType;
  version: number;
  acceptedAtUs: number;
}

export type FallbackOutcome =
  | {
      kind: "answer";
      replayed: boolean;
      rate: { remaining: number; resetUs: number };
      answer: FallbackAnswer;
      /** The board it is on, when it was not taken here: Redis took it after all, and may not have told the board. */
      untoldBoardId: string | null;
    }
  | { kind: "limited"; resetUs: number; nowUs: number }
  | { kind: "conflict" }
  | { kind: "up-only" }
  | { kind: "unknown-project" };

/** A request is sent again within seconds; asking for no more keeps the search within a month's partition. */
const REQUEST_SEARCHED = "interval '1 hour'";

export async function castFallbackVote(
  pool: pg.Pool,
  vote: FallbackVote,
  options: TransactionOptions = {},
): Promise<FallbackOutcome> {
  const take = async (client: pg.PoolClient): Promise<FallbackOutcome> => {
    const project = await lockProject(client, vote);
    if (project === null) return { kind: "unknown-project" };
    const found = await findFacts(client, vote, project);
    const rate = rateOf(vote.limit, found, project.now_us);
    const earlier = found.earlier;
    if (earlier !== null) {
      if (earlier.fingerprint !== null && earlier.fingerprint !== vote.idempotency?.fingerprint) {
        return { kind: "conflict" };
      }
      const replayed = earlier.fingerprint !== null;
      const untoldBoardId = replayed ? null : project.board_id;
      return { kind: "answer", replayed, rate, answer: toAnswer(vote, earlier), untoldBoardId };
    }
    if (project.up_only && vote.voteType === "down") return { kind: "up-only" };
    if (vote.limit.max > 0 && found.used >= vote.limit.max) {
      return { kind: "limited", resetUs: rate.resetUs, nowUs: project.now_us };
    }
    const answer = await write(client, vote, project, found);
    const rateAfter = afterOneMore(vote.limit, rate, found.used);
    return { kind: "answer", replayed: false, rate: rateAfter, answer, untoldBoardId: null };
  };
  return inTransaction(pool, take, options);
}

/** The shard first, as workers do: two who take the same locks in another order wait for each other. */
async function lockProject(
  client: pg.PoolClient,
  { shard, projectId, redisNowUs }: FallbackVote,
): Promise<LockedProject | null> {
  await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [shard]);
  return lockCurrentPeriod(client, projectId, redisNowUs);
}

interface EarlierAnswer {
  request_id: string;
  action: VoteAction;
  upvotes: number;
  downvotes: number;
  vote_type: VoteType;
  version: number;
  accepted_at_us: number;
  /** `null`: not an Idempotency-Key but this very request, which Redis took after all and a worker has applied. */
  fingerprint: string | null;
}

interface Facts {
  used: number;
  oldest_us: number | null;
  vote: { vote_type: VoteType; version: number; voted_at_us: number } | null;
  earlier: EarlierAnswer | null;
}

const FIND_FACTS = `
  WITH clock AS MATERIALIZED (SELECT ${AT("$7::bigint")} AS now),
  marks AS (
    SELECT count(*) AS used, ${US("min(accepted_at)")} AS oldest_us
      FROM outbox, clock
     WHERE project_id = $1 AND user_id = $2 AND accepted_at > now - $3 * interval '1 millisecond'
  ), vote AS (
    SELECT vote_type, version, ${US("voted_at")} AS voted_at_us
      FROM votes WHERE project_id = $1 AND period = $4 AND user_id = $2
  ), earlier AS (
    SELECT request_id, action, upvotes, downvotes, vote_type, coalesce(project_version, version) AS version,
           ${US("accepted_at")} AS accepted_at_us, NULL AS fingerprint
      FROM vote_events, clock WHERE request_id = $5 AND accepted_at > now - ${REQUEST_SEARCHED}
     UNION ALL
    SELECT e.request_id, e.action, e.upvotes, e.downvotes, e.vote_type, coalesce(e.project_version, e.version),
           ${US("e.accepted_at")}, k.fingerprint
      FROM clock, idempotency_keys k JOIN vote_events e ON e.request_id = k.request_id AND e.accepted_at = k.accepted_at
     WHERE k.project_id = $1 AND k.user_id = $2 AND k.key = $6 AND k.accepted_at > now - ${KEY_KEPT}
     LIMIT 1
  )
  SELECT used, oldest_us, to_json(vote) AS vote, to_json(earlier) AS earlier
    FROM marks LEFT JOIN vote ON true LEFT JOIN earlier ON true`;

async function findFacts(client: pg.PoolClient, vote: FallbackVote, project: LockedProject): Promise<Facts> {
  const { rows } = await client.query<Facts>(FIND_FACTS, [
    vote.projectId,
    vote.userId,
    vote.limit.windowMs,
    project.period,
    vote.requestId,
    vote.idempotency?.key ?? null,
    project.now_us,
  ]);
  return rows[0] as Facts;
}

function rateOf({ max, windowMs }: FallbackVote["limit"], { used, oldest_us }: Facts, nowUs: number) {
  const resetUs = oldest_us === null ? 0 : Math.max(0, oldest_us + windowMs * 1_000 - nowUs);
  return { remaining: Math.max(0, max - used), resetUs };
}

function afterOneMore({ max, windowMs }: FallbackVote["limit"], rate: ReturnType<typeof rateOf>, used: number) {
  return { remaining: Math.max(0, max - used - 1), resetUs: used === 0 ? windowMs * 1_000 : rate.resetUs };
}

const toAnswer = (vote: FallbackVote, earlier: EarlierAnswer): FallbackAnswer => ({
  requestId: earlier.request_id,
  projectId: vote.projectId,
  userId: vote.userId,
  action: earlier.action,
  upvotes: earlier.upvotes,
  downvotes: earlier.downvotes,
  voteType: earlier.vote_type,
  version: earlier.version,
  acceptedAtUs: earlier.accepted_at_us,
});

/**
 * The shard's number of fallback votes tells a PostgreSQL that went back in time where no event does. Period and earlier vote stand in
 * the outbox for replicas of a release before 0.2, which read them while an upgrade is under way.
 */
const WRITE = `
  WITH counted AS (
    UPDATE shard_progress SET fallback_votes = fallback_votes + 1 WHERE shard = $14
  ), event AS (
    INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type, previous_vote_type,
                             upvotes, downvotes, request_id, stream_id)
    VALUES ($1, $5, ${AT("$6::bigint")}, $2, $3, $7, $4, $8, $9, $10, $11, 'fallback')
  )
  INSERT INTO outbox (project_id, period, user_id, vote_type, version, accepted_at, action, previous_vote_type, upvotes,
                      downvotes, request_id, idempotency_key, fingerprint, shard, previous_at)
  VALUES ($1, $2, $3, $4, $5, ${AT("$6::bigint")}, $7, $8, $9, $10, $11, $12, $13, $14, ${AT("$15::bigint")})`;

async function write(
  client: pg.PoolClient,
  vote: FallbackVote,
  project: LockedProject,
  found: Facts,
): Promise<FallbackAnswer> {
  const held = found.vote;
  const current = held?.vote_type ?? "none";
  const { action, upvotesDelta, downvotesDelta } = voteTransition(current, vote.voteType);
  const upvotes = Math.max(0, project.upvotes + upvotesDelta);
  const downvotes = Math.max(0, project.downvotes + downvotesDelta);
  const version = nextVersion(Math.max(project.version, held?.version ?? 0), project.now_us);
  const { requestId, projectId, userId, voteType, shard, idempotency } = vote;
  const answer = { requestId, projectId, userId, action, upvotes, downvotes, voteType, version };
  const acceptedAtUs = project.now_us;
  const isGivenBefore = action === "unchanged" && voteType !== "none" && held !== null;
  const register = { projectId, period: project.period, userId, voteType };
  const givenAtUs = isGivenBefore ? held.voted_at_us : acceptedAtUs;
  await upsertVotes(client, shard, [{ ...register, stamp: version, version, givenAtUs }]);
  if (idempotency !== undefined) await claimKeys(client, [{ ...answer, ...idempotency, acceptedAtUs }]);
  await client.query(WRITE, [
    projectId,
    project.period,
    userId,
    voteType,
    version,
    acceptedAtUs,
    action,
    current,
    upvotes,
    downvotes,
    requestId,
    idempotency?.key ?? null,
    idempotency?.fingerprint ?? null,
    shard,
    held === null || current === "none" ? 0 : held.voted_at_us,
  ]);
  return { ...answer, acceptedAtUs };
}
