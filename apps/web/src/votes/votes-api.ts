import { requestJson } from "../http/request.js";
import type { Vote, VoteAnswer } from "./project-votes.js";

/** Shorter than other requests: a vote is repeated when its answer does not come. */
const CAST_DEADLINE_MS = 6_000;
const OWN_VOTES_DEADLINE_MS = 4_000;

export interface VoteToCast {
  projectId: string;
  vote: Vote | null;
  idempotencyKey: string;
}

/** `POST /api/votes` */
export async function castVote(token: string | undefined, cast: VoteToCast): Promise<VoteAnswer> {
  const { data } = await requestJson<{ data: VoteAnswer }>("/api/votes", {
    method: "POST",
    token,
    headers: { "Idempotency-Key": cast.idempotencyKey },
    body: { project_id: cast.projectId, vote_type: cast.vote ?? "none" },
    deadlineMs: CAST_DEADLINE_MS,
  });
  return data;
}

/** `GET /api/votes/user`: the user's votes among these projects; what is missing has none. */
export async function readOwnVotes(token: string | undefined, projectIds: readonly string[]) {
  const query = new URLSearchParams({ project_ids: projectIds.join(",") });
  const { data } = await requestJson<{ data: { votes: Record<string, Vote> } }>(`/api/votes/user?${query}`, {
    token,
    deadlineMs: OWN_VOTES_DEADLINE_MS,
  });
  return data.votes;
}
