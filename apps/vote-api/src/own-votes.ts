/**
 * The use case: a user's own votes, exact right after a vote. Redis knows a vote first, PostgreSQL knows those that went
 * past Redis; both are asked, and of each project the newer vote counts.
 */
import type { RedisNames, VoteType } from "@votesync/core";
import { listOwnVoteRows, type OwnVoteRow, readOwnVoteRows, readShardProgress } from "@votesync/postgres-store";
import {
  type OwnVote,
  type OwnVoteState,
  type RedisClient,
  readOwnVotes,
  readUnappliedVotes,
} from "@votesync/redis-store";
import type pg from "pg";

export interface OwnVotesDeps {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
  /** Whether what Redis says now can be relied on. */
  redisUsable: () => boolean;
}

/** Project id → vote; projects without one are missing. */
export type Votes = Map<string, Exclude<VoteType, "none">>;

/**
 * Own votes on projects of which it is known where votes went past Redis: only for those, and for what Redis does not have,
 * PostgreSQL is asked.
 *
 * @param o.degraded known before Redis is asked; `null`: it may be any of them
 * @throws what PostgreSQL throws, when it is away and Redis alone cannot tell
 */
export async function findOwnVotesLive(
  deps: OwnVotesDeps,
  o: { userId: string; projectIds: readonly string[]; degraded: ReadonlySet<string> | null },
): Promise<Votes> {
  const { userId, projectIds, degraded } = o;
  if (degraded === null || !deps.redisUsable()) return findOwnVotes(deps, userId, projectIds);
  const live = await readOwnVotes(deps.redis, deps.names, o).catch(() => new Map<string, OwnVoteState>());
  const isKnown = (id: string) => !degraded.has(id) && isTold(live.get(id));
  const others = projectIds.filter((id) => !isKnown(id));
  const known = given(projectIds.filter(isKnown).map((id) => [id, live.get(id)?.vote ?? null]));
  if (others.length === 0) return known;
  return new Map([...known, ...(await findOwnVotes(deps, userId, others))]);
}

/** Whether Redis alone can say what the user's vote is. */
const isTold = (state: OwnVoteState | undefined) => state?.isComplete === true || state?.vote != null;

/** @throws what PostgreSQL throws, when it is away and Redis alone cannot tell */
export async function findOwnVotes(deps: OwnVotesDeps, userId: string, projectIds: readonly string[]): Promise<Votes> {
  const asked = { userId, projectIds };
  const [live, rows] = await Promise.all([
    deps.redisUsable() ? readOwnVotes(deps.redis, deps.names, asked).catch(() => null) : null,
    readOwnVoteRows(deps.pool, asked).catch((error: unknown) => ({ error })),
  ]);
  const states = live ?? new Map<string, OwnVoteState>();
  if (!Array.isArray(rows)) {
    if (!projectIds.every((id) => isTold(states.get(id)))) throw rows.error;
    return given(projectIds.map((id) => [id, states.get(id)?.vote ?? null]));
  }
  return given(rows.map((row) => [row.projectId, newer(row, states.get(row.projectId))]));
}

/** A period that began counts alone, whichever store knows of it first. */
function newer(row: OwnVoteRow, state: OwnVoteState | undefined): OwnVote | null {
  if (state === undefined || state.period < row.period) return row.vote;
  if (state.period > row.period || row.vote === null) return state.vote;
  return state.vote !== null && state.vote.version >= row.vote.version ? state.vote : row.vote;
}

export interface VotesPage {
  votes: Votes;
  /** The project the next page begins after. */
  nextAfterId: string | null;
}

/** All own votes by project id, those among them that are accepted and not rows yet. PostgreSQL alone knows the order of ids. */
export async function listOwnVotes(
  deps: OwnVotesDeps,
  o: { userId: string; afterId: string; limit: number },
): Promise<VotesPage> {
  // Before the rows: what was applied meanwhile is in both, and the newer one counts.
  const unapplied = await readUnapplied(deps, o.userId);
  const rows = await listOwnVoteRows(deps.pool, { ...o, limit: o.limit + 1, alsoIds: [...unapplied.keys()] });
  const page = rows.slice(0, o.limit);
  return {
    votes: given(page.map(({ projectId, vote }) => [projectId, newest(vote, unapplied.get(projectId))])),
    nextAfterId: rows.length > page.length ? (page.at(-1)?.projectId ?? null) : null,
  };
}

function newest(row: OwnVote | null, unapplied: OwnVote | undefined): OwnVote | null {
  return unapplied !== undefined && unapplied.version > (row?.version ?? -1) ? unapplied : row;
}

async function readUnapplied(
  { redis, names, pool, redisUsable }: OwnVotesDeps,
  userId: string,
): Promise<Map<string, OwnVote>> {
  if (!redisUsable()) return new Map();
  const progress = await readShardProgress(pool);
  const shards = await Promise.all(
    [...progress].map(([shard, afterId]) =>
      readUnappliedVotes(redis, names, { userId, shard, afterId }).catch(() => []),
    ),
  );
  return new Map(shards.flatMap((votes) => [...votes]));
}

function given(votes: [string, OwnVote | null][]): Votes {
  return new Map(
    votes.flatMap(([id, vote]) => (vote === null || vote.voteType === "none" ? [] : [[id, vote.voteType] as const])),
  );
}
