/** What Redis says of projects, for whoever compares it with PostgreSQL. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";

export interface ProjectState {
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  lastEventId: string;
  /** Somebody has yet to load it: it says nothing now. */
  isHeld: boolean;
}

/** Projects that are not in Redis are missing from the result. All in one round trip. */
export async function readProjectStates(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Map<string, ProjectState>> {
  const replies = await Promise.all(
    projectIds.map((id) =>
      client.hmget(names.project(id), "upvotes", "downvotes", "version", "period", "last_event", "held"),
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
