/**
 * Loading a cold project: counts, version and, when there are few of them, everybody's vote.
 *
 * A project's hash of votes is complete or says that it is partial. Up to `MAX_LOADED_VOTERS` it is loaded whole and a
 * missing user has no vote; beyond, nothing is loaded and the cast asks for the one row it needs. So a project with
 * ten million votes loads as fast as a new one.
 */
import type { RedisNames, VoteType } from "@votesync/core";
import { v4 as uuidv4 } from "uuid";
import { heldVote } from "./cast-vote.js";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

export const MAX_LOADED_VOTERS = 10_000;

export interface StoredVote {
  userId: string;
  voteType: VoteType;
  version: number;
  givenAtUs: number;
}

/** A project as PostgreSQL has it, all of it read in one snapshot. */
export interface ColdProject {
  id: string;
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  /** Everybody with a vote in this period, or `null` when there are more than `MAX_LOADED_VOTERS`. */
  votes: StoredVote[] | null;
}

/** @returns whether this call loaded it; `false`: somebody else was faster, which is as good. */
export async function loadProject(client: RedisClient, names: RedisNames, project: ColdProject): Promise<boolean> {
  const { id, upvotes, downvotes, version, period, votes } = project;
  const loaded = await callScript(
    client,
    "load-project",
    [names.project(id), names.votes(id, period)],
    [
      upvotes,
      downvotes,
      version,
      period,
      votes === null ? "partial" : "complete",
      uuidv4(),
      ...(votes ?? []).flatMap((vote) => [vote.userId, heldVote(vote)]),
    ],
  );
  return loaded === 1;
}
