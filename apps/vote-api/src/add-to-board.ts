import { MAX_QUEUED_STREAMS, type ProjectRecord, type RedisNames } from "@votesync/core";
import { createStream, type NewStream, type PostgresConnection } from "@votesync/postgres-store";
import type { RedisClient } from "@votesync/redis-store";
import { problem } from "@votesync/service-kit";
import { announceBoard } from "./announce-board.js";

export interface AddToBoardDeps {
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
  now: () => Date;
}

/** The use case: a new project in a board's queue, which whoever watches the board is told. */
export type AddToBoard = (stream: NewStream, o: { needsBoard: boolean }) => Promise<ProjectRecord>;

export const addToBoard =
  (deps: AddToBoardDeps): AddToBoard =>
  async (stream, { needsBoard }) => {
    const outcome = await createStream(deps.postgres.pool, stream, { needsBoard, now: deps.now() });
    switch (outcome.kind) {
      case "created":
        await announceBoard(deps, stream.boardId);
        return { ...stream, createdAt: outcome.createdAt, upOnly: false, upvotes: 0, downvotes: 0, version: 0 };
      case "taken":
        throw problem(409, "A project with this id exists.");
      case "full":
        throw problem(409, `The queue is full: ${MAX_QUEUED_STREAMS} streams wait in it.`);
      case "no-board":
        throw problem(404, "There is no such board.");
    }
  };
