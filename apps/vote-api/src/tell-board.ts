/**
 * Puts a vote on the board its project is on, before the vote is answered. When that fails the vote still counts: Redis has
 * it, and the board is read anew within its lifetime.
 */

import type { RedisNames } from "@votesync/core";
import { putStream, type RedisClient } from "@votesync/redis-store";
import { type Logger, withDeadline } from "@votesync/service-kit";
import type { CountedVote } from "./cast-vote.js";

const DEADLINE_MS = 300;

export const tellBoard =
  (deps: { redis: RedisClient; names: RedisNames; log: Logger }) =>
  async (boardId: string, vote: CountedVote): Promise<void> => {
    const { upvotes, downvotes, version, projectId } = vote.answer;
    const counts = { upvotes, downvotes, version };
    const put = putStream(deps.redis, deps.names, { boardId, streamId: projectId, counts, action: actionOf(vote) });
    await withDeadline(put, DEADLINE_MS, "telling a board").catch((error: unknown) => {
      deps.log.warn({ err: error, board: boardId }, "a board was not told of a vote, and is read anew within seconds");
    });
  };

function actionOf({ answer, replayed }: CountedVote) {
  const { action, userId, projectId, voteType, version, acceptedAtUs } = answer;
  if (replayed || action === "unchanged") return null;
  return { atMs: Math.floor(acceptedAtUs / 1_000), userId, streamId: projectId, voteType, action, version };
}
