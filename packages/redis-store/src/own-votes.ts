/** One user's votes as Redis knows them: those not applied to PostgreSQL yet among them. */
import { compareStreamIds, isWish, parseEvent, type RedisNames, type VoteType } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { readEvents } from "./event-stream.js";
import { parseHeldVote } from "./held-vote.js";
import { unlessDamaged } from "./reply-errors.js";

export interface OwnVote {
  voteType: VoteType;
  version: number;
}

export interface OwnVoteState {
  period: number;
  /** `null`: no vote is known here; there is none at all when `isComplete`. */
  vote: OwnVote | null;
  isComplete: boolean;
}

/** Projects that Redis does not hold, or that are held back or damaged, are missing from the result. Two round trips. */
export async function readOwnVotes(
  client: RedisClient,
  names: RedisNames,
  o: { userId: string; projectIds: readonly string[] },
): Promise<Map<string, OwnVoteState>> {
  const projects = await Promise.all(
    o.projectIds.map((id) =>
      unlessDamaged(client.hmget(names.project(id), "period", "voters", "held", "version", "opens_at", "closes_at")),
    ),
  );
  const nowUs = Date.now() * 1_000;
  const usable = o.projectIds.flatMap((id, i) => {
    const [period, voters, held, version, ...instants] = projects[i] ?? [];
    if (typeof period !== "string" || typeof version !== "string" || typeof held === "string") return [];
    // Periods that are over, though no vote came to end them: in the next one nobody has voted.
    const over = instants.filter((instant) => typeof instant === "string" && Number(instant) <= nowUs).length;
    return [{ id, period: Number(period) + over, isComplete: voters === "complete" || over > 0 }];
  });
  const votes = await Promise.all(
    usable.map(({ id, period }) => unlessDamaged(client.hget(names.votes(id, period), o.userId))),
  );
  return new Map(
    usable.flatMap(({ id, ...state }, i) => {
      const vote = parseHeld(votes[i]);
      return vote === undefined ? [] : [[id, { ...state, vote }] as const];
    }),
  );
}

/** @returns `undefined` for what is no vote: then Redis says nothing of it */
function parseHeld(held: string | null | undefined): OwnVote | null | undefined {
  if (held === null || held === undefined) return held;
  const vote = parseHeldVote(held);
  return vote === null ? undefined : { voteType: vote.voteType, version: vote.version };
}

const ENTRIES_PER_PAGE = 1_000;
/** A shard further behind than this has its newest votes left out: the list is complete again once workers caught up. */
const MAX_PAGES = 20;

/** The user's votes in entries after `afterId`: project id → the newest. */
export async function readUnappliedVotes(
  client: RedisClient,
  names: RedisNames,
  o: { userId: string; shard: number; afterId: string },
): Promise<Map<string, OwnVote & { period: number }>> {
  const votes = new Map<string, OwnVote & { period: number }>();
  let afterId = o.afterId;
  for (let page = 0; page < MAX_PAGES; page++) {
    const entries = await readEvents(client, names, { shard: o.shard, afterId, count: ENTRIES_PER_PAGE });
    for (const { wire } of entries) {
      // Parsing all of a busy shard's events for one user's would cost more than the votes themselves.
      if (wire?.includes(`\n${o.userId}\n`) !== true) continue;
      const vote = ownVote(wire, o.userId);
      if (vote !== null) votes.set(vote.projectId, vote);
    }
    const last = entries.at(-1)?.id ?? afterId;
    if (entries.length < ENTRIES_PER_PAGE || compareStreamIds(last, afterId) <= 0) break;
    afterId = last;
  }
  return votes;
}

function ownVote(wire: string, userId: string): (OwnVote & { projectId: string; period: number }) | null {
  try {
    const event = parseEvent(wire);
    if (!isWish(event) || event.userId !== userId) return null;
    const { projectId, period, voteType, stamp } = event;
    return { projectId, period, voteType, version: stamp };
  } catch {
    return null;
  }
}
