/** The trail of a board: its last votes. Redis has them at once, the audit log also those that went past Redis. */

import { listBoardEvents } from "@votesync/postgres-store";
import type { JamAction } from "@votesync/redis-store";
import { KEPT_ACTIONS, readJamActions } from "@votesync/redis-store";
import type { JamStores } from "./jam-stores.js";

/**
 * At most 200, newest first.
 * @throws what PostgreSQL throws, when Redis is away too
 */
export async function readTrail({ redis, names, pool }: JamStores, boardId: string): Promise<JamAction[]> {
  const [kept, events] = await Promise.allSettled([
    readJamActions(redis, names, boardId),
    listBoardEvents(pool, { boardId, limit: KEPT_ACTIONS }),
  ]);
  if (kept.status === "rejected" && events.status === "rejected") throw events.reason;
  const actions = new Map<string, JamAction>();
  const add = (action: JamAction) => actions.set(`${action.streamId} ${action.version}`, action);
  if (events.status === "fulfilled") {
    for (const { acceptedAt, ...event } of events.value) add({ ...event, atMs: acceptedAt.getTime() } as JamAction);
  }
  if (kept.status === "fulfilled") kept.value.forEach(add);
  return [...actions.values()].sort((a, b) => b.version - a.version).slice(0, KEPT_ACTIONS);
}
