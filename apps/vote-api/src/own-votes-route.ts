import { entityIdSchema, ownVotesQuerySchema } from "@votesync/core";
import type { RequestHandler } from "express";
import { z } from "zod";
import { identityOf } from "./authenticate.js";
import { formatCursor, parseCursor } from "./cursor.js";
import { findOwnVotes, listOwnVotes, type OwnVotesDeps, type VotesPage } from "./own-votes.js";

const cursorSchema = z.strictObject({ after: entityIdSchema });

/** `GET /api/votes/user`: the caller's own votes. */
export const ownVotesHandler =
  (deps: OwnVotesDeps): RequestHandler =>
  async (req, res) => {
    const query = ownVotesQuerySchema.parse(req.query);
    const { userId } = identityOf(res);
    const page: VotesPage =
      query.project_ids === undefined
        ? await listOwnVotes(deps, { userId, afterId: afterOf(query.cursor), limit: query.limit })
        : { votes: await findOwnVotes(deps, userId, query.project_ids), nextAfterId: null };
    res.json({ status: "success", data: view(page) });
  };

const afterOf = (cursor: string | undefined) => (cursor === undefined ? "" : parseCursor(cursorSchema, cursor).after);

function view({ votes, nextAfterId }: VotesPage) {
  const ids = (wanted: "up" | "down") => [...votes].filter(([, vote]) => vote === wanted).map(([id]) => id);
  return {
    votes: Object.fromEntries(votes),
    upvotes: ids("up"),
    downvotes: ids("down"),
    next_cursor: nextAfterId === null ? null : formatCursor({ after: nextAfterId }),
  };
}
