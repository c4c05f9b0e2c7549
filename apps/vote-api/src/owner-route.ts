import { userIdSchema } from "@votesync/core";
import { findOwnerScore, type PostgresConnection } from "@votesync/postgres-store";
import { problem } from "@votesync/service-kit";
import type { RequestHandler } from "express";

/** `GET /api/owners/:owner_id`: an owner's community score, seconds behind the votes. */
export const ownerHandler =
  ({ pool }: PostgresConnection): RequestHandler =>
  async (req, res) => {
    const id = userIdSchema.safeParse(req.params.owner_id);
    const owner = id.success ? await findOwnerScore(pool, id.data) : null;
    if (owner === null) throw problem(404, "Nobody of this id owns a project.");
    const { ownerId, projects, upvotes, downvotes, score } = owner;
    res.json({ owner_id: ownerId, projects, upvotes, downvotes, score });
  };
