/** Who watches what: the calls `subscribe` and `unsubscribe`. */
import { countsView, projectRoom, type Subscription, subscriptionSchema } from "@votesync/core";
import { withDeadline } from "@votesync/service-kit";
import type { z } from "zod";
import { type Call, CallRefusedError } from "./calls.js";
import type { EventTail } from "./event-tail.js";
import type { Snapshot } from "./snapshot.js";
import type { GatewaySocket } from "./sockets.js";

const MAX_ERROR_CHARACTERS = 300;

export interface SubscriptionDeps {
  tail: EventTail;
  /** Projects one socket may watch. */
  maxRoomsPerSocket: number;
  nowMs: () => number;
}

/**
 * Joins first and reads the counts afterwards, so nothing falls between them: what happens after the counts were read
 * comes as a message. A call that fails leaves the socket in the rooms it was in before.
 */
export function subscribe({ tail, maxRoomsPerSocket, nowMs }: SubscriptionDeps): Call {
  return async (socket, payload, deadlineAtMs) => {
    const wanted = parseSubscription(payload);
    const ids = [...new Set(wanted.projects)];
    const joined = ids.filter((id) => !socket.rooms.has(projectRoom(id)));
    refuseTooManyRooms(socket, joined.length, maxRoomsPerSocket);
    socket.join(joined.map(projectRoom));
    try {
      const reading = tail.readCurrent(ids);
      const snapshot = await withDeadline(reading, Math.max(1, deadlineAtMs - nowMs()), "reading counts");
      const unknown = ids.filter((id) => !snapshot.has(id));
      leave(socket, unknown);
      return stateOf(wanted, snapshot, unknown);
    } catch (error) {
      leave(socket, joined);
      throw error;
    }
  };
}

/** Leaving what was not watched is fine. */
export const unsubscribe: Call = async (socket, payload) => {
  leave(socket, parseSubscription(payload).projects);
  return {};
};

/** Boards, launches and leaderboards come with later versions; until then every such name is unknown. */
function stateOf(wanted: Subscription, snapshot: Snapshot, unknownProjects: string[]): object {
  return {
    projects: Object.fromEntries([...snapshot].map(([id, counts]) => [id, withoutId(countsView(id, counts))])),
    boards: {},
    launches: {},
    leaderboards: {},
    unknown: [...new Set([...unknownProjects, ...wanted.boards, ...wanted.launches, ...wanted.leaderboards])],
  };
}

const withoutId = ({ id: _, ...counts }: ReturnType<typeof countsView>) => counts;

function leave(socket: GatewaySocket, projectIds: readonly string[]): void {
  for (const id of projectIds) socket.leave(projectRoom(id));
}

/** @throws {CallRefusedError} */
function refuseTooManyRooms(socket: GatewaySocket, more: number, max: number): void {
  // A socket is always in one room of its own, and in its user's.
  const ownRooms = socket.data.user === null ? 1 : 2;
  if (socket.rooms.size - ownRooms + more <= max) return;
  throw new CallRefusedError(`a socket may watch at most ${max} projects: unsubscribe from some first`);
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
