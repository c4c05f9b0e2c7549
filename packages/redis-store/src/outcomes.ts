/**
 * The outcome stream: messages to single users, for whichever gateway has their sockets. What it carries is also stored
 * elsewhere (a vote's state, the table of notifications), so it may be trimmed after minutes.
 */
import { EVENT_FIELD, type RedisNames, userIdSchema } from "@votesync/core";
import { z } from "zod";
import type { RedisClient } from "./connection.js";
import type { StreamEntry } from "./event-stream.js";

/** For gateways that were away for a moment. */
const KEPT_MS = 600_000;

export const outcomeSchema = z.object({
  userId: userIdSchema,
  /** The socket event. */
  event: z.enum(["vote:failed", "notification"]),
  body: z.record(z.string(), z.unknown()),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** @returns the entry's id */
export async function publishOutcome(client: RedisClient, names: RedisNames, outcome: Outcome): Promise<string> {
  const keepFrom = `${Date.now() - KEPT_MS}`;
  const id = await client.xadd(names.outcomes(), "MINID", "~", keepFrom, "*", EVENT_FIELD, JSON.stringify(outcome));
  return id as string;
}

/** @returns `null` for what is no outcome: written by hand, or by a version this one does not know */
export function parseOutcome(entry: StreamEntry): Outcome | null {
  try {
    return outcomeSchema.parse(JSON.parse(entry.wire ?? ""));
  } catch {
    return null;
  }
}
