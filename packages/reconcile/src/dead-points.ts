/**
 * The points of a dead vote that Redis does not have as its user's newest: voted over, or let go of with its project.
 *
 * Whoever voted over it took its points back, because the newer event says what it replaced. Where Redis had read the rows in between,
 * no event does, and the points are taken back here. That is decided once the vote cannot be voted over any more: the script that
 * withdraws votes did not find it, and rows never bring it back.
 */
import { tryParseEvent, type VoteEvent } from "@votesync/core";
import { findDeadVotes, projectExists } from "@votesync/postgres-store";
import { appendPersisted, readEvents, takenBack } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

const ENTRIES_PER_PAGE = 1_000;
/** A letter is settled some seconds after its last try; so far back nobody has to look. */
const MAX_PAGES = 1_000;

/** Doing it twice is doing it once. */
export async function takePointsBack(stores: Stores, o: { streamId: string; event: VoteEvent }): Promise<void> {
  const { event } = o;
  // A project that nobody owns gave nobody points.
  if (!(await projectExists(stores.pool, event.projectId)) || (await isVotedOver(stores, o))) return;
  const { redis, names } = stores;
  const { previousVoteType: voteType, previousAtUs: givenAtUs } = await firstDead(stores, event);
  const stands = { voteType, givenAtUs };
  await appendPersisted(redis, names, names.shardOf(event.projectId), [takenBack(event, stands)]);
}

/** The vote it replaced may be dead as well, and the one before that: the first of them says what stood. */
async function firstDead({ pool }: Stores, event: VoteEvent): Promise<VoteEvent> {
  const dead = await findDeadVotes(pool, event);
  let first = event;
  for (const before of dead.toSorted((a, b) => b.version - a.version)) if (isReplaced(before, first)) first = before;
  return first;
}

const isReplaced = (before: VoteEvent, by: VoteEvent) =>
  before.version < by.version && before.voteType === by.previousVoteType && before.acceptedAtUs === by.previousAtUs;

async function isVotedOver({ redis, names }: Stores, o: { streamId: string; event: VoteEvent }): Promise<boolean> {
  const shard = names.shardOf(o.event.projectId);
  let afterId = o.streamId;
  for (let page = 0; page < MAX_PAGES; page++) {
    const entries = await readEvents(redis, names, { shard, afterId, count: ENTRIES_PER_PAGE });
    if (entries.some(({ wire }) => replaces(wire, o.event))) return true;
    if (entries.length < ENTRIES_PER_PAGE) return false;
    afterId = entries.at(-1)?.id ?? afterId;
  }
  return false;
}

function replaces(wire: string | undefined, failed: VoteEvent): boolean {
  const event = tryParseEvent(wire);
  return (
    event?.kind === "vote" &&
    event.projectId === failed.projectId &&
    event.userId === failed.userId &&
    isReplaced(failed, event)
  );
}
