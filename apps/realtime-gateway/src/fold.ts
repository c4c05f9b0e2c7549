/**
 * Many changes into few messages: an event holds all counts after it, so of each project only the newest is told.
 *
 * Measured with 2,000 votes/s on one project; votes, clients and stores on the same two cores. To 1,000 sockets: 17,000
 * deliveries/s, a vote shown 75 ms (p95) after its answer, 0.29 of a core. Unfolded it would be 2,000,000 deliveries/s.
 */
import {
  type ClosedEvent,
  type CountsEvent,
  countsAfter,
  countsView,
  glanceAtEvent,
  MalformedEventError,
  NewerEventError,
  type ProjectCounts,
  parseEvent,
  SOCKET_EVENTS,
  type StreamEvent,
  type VoteEvent,
} from "@votesync/core";
import type { StreamEntry } from "@votesync/redis-store";

/** An event that carries counters to tell. */
export type ToldEvent = VoteEvent | CountsEvent | ClosedEvent;

/** Of each project the newest vote and the newest repair, in the order they came. */
export type Fold = Map<string, ToldEvent>;

/** A stream entry that was passed over. */
export interface SkippedEntry {
  id: string;
  reason: string;
}

/**
 * Folds entries, oldest first, into `fold`. They are read from the newest back, and whole only where nothing newer took
 * their place: of 1,000 votes on one project that is one, and reading one takes 14 µs.
 * @returns the entries that were found to be no events
 */
export function foldEntries(fold: Fold, entries: readonly StreamEntry[]): SkippedEntry[] {
  const skipped: SkippedEntry[] = [];
  const newest: [key: string, event: ToldEvent][] = [];
  const found = new Set<string>();
  for (const { id, wire } of entries.toReversed()) {
    const subject = glanceAtEvent(wire);
    const key = `${subject?.kind} ${subject?.projectId}`;
    // A wish that changed nothing has nothing to tell.
    if (subject?.kind === "unchanged" || subject?.kind === "persisted" || found.has(key)) continue;
    const event = parseOrSkip(id, wire, skipped);
    if (event === null || event.kind === "persisted") continue;
    found.add(key);
    newest.push([key, event]);
  }
  for (const [key, event] of newest.reverse()) {
    fold.delete(key);
    fold.set(key, event);
  }
  return skipped.reverse();
}

function parseOrSkip(id: string, wire: string | undefined, skipped: SkippedEntry[]): StreamEvent | null {
  try {
    return parseEvent(wire);
  } catch (error) {
    if (!(error instanceof MalformedEventError || error instanceof NewerEventError)) throw error;
    skipped.push({ id, reason: error instanceof NewerEventError ? error.message : error.reason });
    return null;
  }
}

/** Why a project's counts began anew. */
export const PERIOD_CLOSED = "period-closed";

/** What a room is told. */
export interface RoomMessage {
  event: (typeof SOCKET_EVENTS)["voteCast" | "voteRemoved" | "voteReconciled"];
  body: ReturnType<typeof countsView> & { reason?: string };
}

/** A fold carries the kind of its last event. */
export function eventMessage(event: ToldEvent): RoomMessage {
  const body = countsView(event.projectId, { ...countsAfter(event), version: event.version });
  if (event.kind === "closed") return { event: SOCKET_EVENTS.voteReconciled, body: { ...body, reason: PERIOD_CLOSED } };
  if (event.kind === "counts") return { event: SOCKET_EVENTS.voteReconciled, body: { ...body, reason: event.reason } };
  return { event: event.voteType === "none" ? SOCKET_EVENTS.voteRemoved : SOCKET_EVENTS.voteCast, body };
}

/** Tells counts for which there is no event, because events were missed. */
export function gapMessage(projectId: string, counts: ProjectCounts): RoomMessage {
  return { event: SOCKET_EVENTS.voteReconciled, body: { ...countsView(projectId, counts), reason: "gap" } };
}
