/** That a project's period is over is news of its own: newer counts do not make it worthless, as they do everything else. */
import { SOCKET_EVENTS } from "@votesync/core";
import { PERIOD_CLOSED, type RoomMessage } from "./fold.js";
import type { StateMessage } from "./sockets.js";

/** Whether a message says that a project's period is over. */
export const saysClosed = (message: StateMessage | undefined): boolean =>
  message?.event === SOCKET_EVENTS.voteReconciled && message.body.reason === PERIOD_CLOSED;

/** The same counts for somebody who has not been told yet that the period before them is over; any other message as it is. */
export function withClosed(message: StateMessage): StateMessage {
  if (!isRoomMessage(message)) return message;
  return { event: SOCKET_EVENTS.voteReconciled, body: { ...message.body, reason: PERIOD_CLOSED } };
}

const isRoomMessage = (message: StateMessage): message is RoomMessage =>
  message.event === SOCKET_EVENTS.voteCast ||
  message.event === SOCKET_EVENTS.voteRemoved ||
  message.event === SOCKET_EVENTS.voteReconciled;
