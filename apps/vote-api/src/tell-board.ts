/**
 * Puts a vote on the board its project is on, before the vote is answered. Where Redis does not take it any more, PostgreSQL
 * is told that what Redis keeps of the board is out of date: whoever reads the board then reads its counters anew.
 */

import type { RedisNames } from "@votesync/core";
import { outdateBoard } from "@votesync/postgres-store";
import { putStream, type RedisClient } from "@votesync/redis-store";
import { type Logger, SharedReads, withDeadline } from "@votesync/service-kit";
import type pg from "pg";
import type { CountedVote } from "./cast-vote.js";

/** Together with a cast that took all its time, a vote is still answered within a second. */
const PUT_MS = 300;
const OUTDATE_MS = 250;

export interface TellBoardDeps {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
  log: Logger;
}

export function tellBoard(deps: TellBoardDeps) {
  // Once for all votes that wait for it: on a board that everybody votes on they would queue for its row.
  const outdated = new SharedReads((boardId) => outdateBoard(deps.pool, boardId));
  /** Never rejects: the vote counts whatever happens here, and the board is read anew within its lifetime. */
  return async (boardId: string, vote: CountedVote): Promise<void> => {
    const { upvotes, downvotes, version, projectId } = vote.answer;
    const counts = { upvotes, downvotes, version };
    const put = putStream(deps.redis, deps.names, { boardId, streamId: projectId, counts, action: actionOf(vote) });
    try {
      await withDeadline(put, PUT_MS, "telling a board");
    } catch (error) {
      deps.log.warn({ err: error, board: boardId }, "a board was not told of a vote, and is to be read anew");
      await withDeadline(outdated.read(boardId), OUTDATE_MS, "outdating a board").catch((cause: unknown) => {
        deps.log.warn({ err: cause, board: boardId }, "a board may lack a vote for seconds");
      });
    }
  };
}

function actionOf({ answer, replayed }: CountedVote) {
  const { action, userId, projectId, voteType, version, acceptedAtUs } = answer;
  if (replayed || action === "unchanged") return null;
  return { atMs: Math.floor(acceptedAtUs / 1_000), userId, streamId: projectId, voteType, action, version };
}
