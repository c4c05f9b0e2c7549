/** Who watches what: the calls `subscribe` and `unsubscribe`. */
import { countsView, projectRoom, type Subscription, subscriptionSchema } from "@votesync/core";
import { withDeadline } from "@votesync/service-kit";
import type { z } from "zod";
import { type Call, CallRefusedError } from "./calls.js";
import type { EventTail } from "./event-tail.js";
import type { Snapshot } from "./snapshot.js";
import type { GatewaySocket } from "./sockets.js";
import type { Topic } from "./topics.js";

const MAX_ERROR_CHARACTERS = 300;

export interface SubscriptionDeps {
  tail: EventTail;
  topics: readonly Topic[];
  /** From when this resolves on, what is broadcast reaches the topics' rooms. */
  openBroadcasts: () => Promise<void>;
  /** Projects and topics one socket may watch. */
  maxRoomsPerSocket: number;
  nowMs: () => number;
}

/** A topic by its name. */
interface Watched {
  topic: Topic;
  name: string;
}

const roomOf = ({ topic, name }: Watched) => topic.roomOf(name);

/**
 * Joins first and reads the counts afterwards, so nothing falls between them: what happens after the counts were read
 * comes as a message. A call that fails leaves the socket in the rooms it was in before.
 */
export function subscribe(deps: SubscriptionDeps): Call {
  return async (socket, payload, deadlineAtMs) => {
    const wanted = parseSubscription(payload);
    const ids = [...new Set(wanted.projects)];
    const watched = watchedOf(wanted, deps.topics);
    const rooms = [...ids.map(projectRoom), ...watched.map(roomOf)].filter((room) => !socket.rooms.has(room));
    refuseTooManyRooms(socket, rooms.length, deps.maxRoomsPerSocket);
    if (watched.length > 0) await deps.openBroadcasts();
    socket.join(rooms);
    try {
      const reading = Promise.all([deps.tail.readCurrent(ids), readStates(watched)]);
      const leftMs = Math.max(1, deadlineAtMs - deps.nowMs());
      const [snapshot, states] = await withDeadline(reading, leftMs, "reading counts");
      const unknownIds = ids.filter((id) => !snapshot.has(id));
      const unknown = watched.filter((one) => states.get(one) === null);
      leave(socket, [...unknownIds.map(projectRoom), ...unknown.map(roomOf)]);
      return answerOf(wanted, deps.topics, { snapshot, unknownIds, states });
    } catch (error) {
      leave(socket, rooms);
      throw error;
    }
  };
}

/** Leaving what was not watched is fine. */
export function unsubscribe({ topics }: Pick<SubscriptionDeps, "topics">): Call {
  return async (socket, payload) => {
    const wanted = parseSubscription(payload);
    leave(socket, [...wanted.projects.map(projectRoom), ...watchedOf(wanted, topics).map(roomOf)]);
    return {};
  };
}

const watchedOf = (wanted: Subscription, topics: readonly Topic[]): Watched[] =>
  topics.flatMap((topic) => [...new Set<string>(wanted[topic.list])].map((name) => ({ topic, name })));

type States = Map<Watched, object | null>;

async function readStates(watched: readonly Watched[]): Promise<States> {
  return new Map(
    await Promise.all(watched.map(async (one) => [one, await one.topic.read(one.name)] as [Watched, object | null])),
  );
}

/** Lists that are no topic here are unknown, each of their names. */
function answerOf(
  wanted: Subscription,
  topics: readonly Topic[],
  found: { snapshot: Snapshot; unknownIds: string[]; states: States },
): object {
  const lists: Record<string, object> = {};
  const unknown: string[] = [...found.unknownIds];
  for (const list of ["boards", "launches", "leaderboards"] as const) {
    const states = [...found.states].filter(([{ topic }]) => topic.list === list);
    lists[list] = Object.fromEntries(states.flatMap(([{ name }, state]) => (state === null ? [] : [[name, state]])));
    if (!topics.some((topic) => topic.list === list)) unknown.push(...wanted[list]);
    unknown.push(...states.flatMap(([{ name }, state]) => (state === null ? [name] : [])));
  }
  const counts = [...found.snapshot].map(([id, one]) => [id, withoutId(countsView(id, one))]);
  return { projects: Object.fromEntries(counts), ...lists, unknown: [...new Set(unknown)] };
}

const withoutId = ({ id: _, ...counts }: ReturnType<typeof countsView>) => counts;

function leave(socket: GatewaySocket, rooms: readonly string[]): void {
  for (const room of rooms) socket.leave(room);
}

/** @throws {CallRefusedError} */
function refuseTooManyRooms(socket: GatewaySocket, more: number, max: number): void {
  // A socket is always in one room of its own, and in its user's.
  const ownRooms = socket.data.user === null ? 1 : 2;
  if (socket.rooms.size - ownRooms + more <= max) return;
  throw new CallRefusedError(`a socket may watch at most ${max} things: unsubscribe from some first`);
}

/** @throws {CallRefusedError} */
function parseSubscription(payload: unknown): Subscription {
  const parsed = subscriptionSchema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new CallRefusedError(wordsOf(parsed.error));
}

function wordsOf(error: z.ZodError): string {
  const words = error.issues.map(({ path, message }) => `${path.join(".") || "payload"}: ${message}`).join("; ");
  return words.length <= MAX_ERROR_CHARACTERS ? words : `${words.slice(0, MAX_ERROR_CHARACTERS)}…`;
}
