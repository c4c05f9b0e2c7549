/**
 * The broadcast stream: messages to everybody who watches a topic, told by whichever gateway has their sockets. What it
 * carries is also stored elsewhere, so it may be trimmed after minutes.
 */
import {
  EVENT_FIELD,
  entityIdSchema,
  launchDateSchema,
  leaderboardPeriodSchema,
  type RedisNames,
} from "@votesync/core";
import { z } from "zod";
import type { RedisClient } from "./connection.js";
import type { StreamEntry } from "./event-stream.js";

/** For gateways that were away for a moment. */
const KEPT_MS = 600_000;

export const broadcastSchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("launch:finalized"),
    body: z.object({ date: launchDateSchema, updated: z.int(), top3: z.array(z.string()) }),
  }),
  z.object({
    event: z.literal("leaderboard:updated"),
    body: z.object({
      period: leaderboardPeriodSchema,
      key: z.string(),
      entries: z.array(z.object({ rank: z.int(), user_id: z.string(), points: z.number() })),
    }),
  }),
  // Not told as it is: whoever watches the board reads it anew.
  z.object({ event: z.literal("board:changed"), body: z.object({ boardId: entityIdSchema }) }),
]);
export type Broadcast = z.infer<typeof broadcastSchema>;

/** @returns the entry's id */
export async function publishBroadcast(client: RedisClient, names: RedisNames, broadcast: Broadcast): Promise<string> {
  const keepFrom = `${Date.now() - KEPT_MS}`;
  const id = await client.xadd(names.broadcasts(), "MINID", "~", keepFrom, "*", EVENT_FIELD, JSON.stringify(broadcast));
  return id as string;
}

/** @returns `null` for what is no broadcast: written by hand, or by a version this one does not know */
export function parseBroadcast(entry: StreamEntry): Broadcast | null {
  try {
    return broadcastSchema.parse(JSON.parse(entry.wire ?? ""));
  } catch {
    return null;
  }
}
