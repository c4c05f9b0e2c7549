/** What watchers were told last: every gateway tells what a project's last event says. */
import { countsAfter, parseEvent } from "@votesync/core";
import { readEntry, readProjectStates } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/** Between a project's counters and its last event a vote may come in; then both are read again. */
const LOOKS = 5;

/** Projects whose last event says other counters than Redis has. An event that is gone from the stream says nothing. */
export async function findUntold(stores: Stores, projectIds: readonly string[]): Promise<string[]> {
  let open = [...projectIds];
  for (let look = 1; look <= LOOKS && open.length > 0; look++) open = await findOnce(stores, open);
  return open;
}

async function findOnce({ redis, names }: Stores, projectIds: string[]): Promise<string[]> {
  const states = await readProjectStates(redis, names, projectIds);
  const untold = await Promise.all(
    [...states].map(async ([id, state]) => {
      const entry = await readEntry(redis, names, { shard: names.shardOf(id), id: state.lastEventId });
      if (entry === null || state.isHeld) return null;
      const event = parseEvent(entry.wire);
      const told = countsAfter(event);
      const isTold = told.upvotes === state.upvotes && told.downvotes === state.downvotes;
      return isTold && event.version === state.version ? null : id;
    }),
  );
  return untold.filter((id) => id !== null);
}
