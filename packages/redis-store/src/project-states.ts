/** What Redis says of projects, for whoever compares it with PostgreSQL. */
import type { RedisNames, VoteType } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";
import { parseHeldVote } from "./held-vote.js";
import { unlessDamaged } from "./reply-errors.js";

export interface ProjectState {
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  lastEventId: string;
  /** Somebody has yet to load it: it says nothing now. */
  isHeld: boolean;
}

/** Projects that are not in Redis, or are damaged there, are missing from the result. All in one round trip. */
export async function readProjectStates(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Map<string, ProjectState>> {
  const replies = await Promise.all(
    projectIds.map((id) =>
      unlessDamaged(client.hmget(names.project(id), "upvotes", "downvotes", "version", "period", "last_event", "held")),
    ),
  );
  const states = new Map<string, ProjectState>();
  projectIds.forEach((id, i) => {
    const [upvotes, downvotes, version, period, lastEventId, held] = replies[i] ?? [];
    if (typeof version !== "string") return;
    states.set(id, {
      upvotes: Number(upvotes),
      downvotes: Number(downvotes),
      version: Number(version),
      period: Number(period),
      lastEventId: lastEventId ?? STREAM_START,
      isHeld: typeof held === "string",
    });
  });
  return states;
}

/**
 * Who voted what on a project, as far as Redis holds it: what is damaged holds nobody, and a damaged vote is none.
 * @returns `null` when they are more than `max`
 */
export async function readVoters(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; period: number; max: number },
): Promise<{ isComplete: boolean; votes: Map<string, VoteType> } | null> {
  const key = names.votes(o.projectId, o.period);
  if (((await unlessDamaged(client.hlen(key))) ?? 0) > o.max) return null;
  const [voters, held] = await Promise.all([
    unlessDamaged(client.hget(names.project(o.projectId), "voters")),
    unlessDamaged(client.hgetall(key)),
  ]);
  const votes = Object.entries(held ?? {}).map(
    ([userId, vote]) => [userId, parseHeldVote(vote)?.voteType ?? "none"] as const,
  );
  return { isComplete: voters === "complete", votes: new Map(votes) };
}
