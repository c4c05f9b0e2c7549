/** Taking a vote back that PostgreSQL could not store. The script's contract stands at the head of `withdraw-vote.lua`. */
import type { RedisNames, VoteEvent, VoteType } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { type HeldVote, parseHeldVote } from "./held-vote.js";
import { callScript } from "./scripts.js";

/** A vote as somebody gave it: what it was, and when. */
export interface GivenVote {
  voteType: VoteType;
  givenAtUs: number;
}

/** Much longer than a worker takes to write down that it was done. */
const WITHDRAWAL_KEPT_S = 86_400;

/**
 * @param vote.stored the user's vote as the rows have it, which is what comes back
 * @returns the project's new version; 0 when the vote was not there any more
 */
export async function withdrawVote(
  client: RedisClient,
  names: RedisNames,
  vote: { streamId: string; event: VoteEvent; stored: GivenVote },
): Promise<number> {
  const { projectId, userId, period, stamp } = vote.event;
  const shard = names.shardOf(projectId);
  const keys = [
    names.project(projectId),
    names.votes(projectId, period),
    names.events(shard),
    names.changed(shard),
    names.withdrawal(shard, vote.streamId),
  ];
  const { voteType, givenAtUs } = vote.stored;
  const args = [projectId, userId, period, stamp, voteType, givenAtUs, WITHDRAWAL_KEPT_S];
  return Number(await callScript(client, "withdraw-vote", keys, args));
}

/** The user's vote as Redis holds it, whoever wrote it; `null` when it holds none. */
export async function readHeldVote(
  client: RedisClient,
  names: RedisNames,
  vote: { projectId: string; period: number; userId: string },
): Promise<HeldVote | null> {
  const field = await client.hget(names.votes(vote.projectId, vote.period), vote.userId);
  return field === null ? null : parseHeldVote(field);
}
