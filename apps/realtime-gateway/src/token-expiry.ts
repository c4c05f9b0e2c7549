/**
 * A token ends while its socket is connected: the socket goes on as a watcher, since counts are for everybody, and is told
 * so (`token:expired`), since from then on nothing private reaches it. Whoever has another token connects anew with it. To
 * cut the socket off instead would take the counts from pages whose user only went for lunch.
 */
import { SOCKET_EVENTS, userRoom } from "@votesync/core";
import type { GatewaySocket } from "./sockets.js";

/** The longest a timer of Node can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Joins the user's room until the socket's token runs out. */
export function signInUntilExpiry(socket: GatewaySocket): void {
  const { user, tokenExpiresAtMs } = socket.data;
  if (user === null || tokenExpiresAtMs === undefined) return;
  socket.join(userRoom(user.userId));
  let timer: NodeJS.Timeout;
  const wait = () => {
    const leftMs = tokenExpiresAtMs - Date.now();
    if (leftMs <= 0) return expire(socket, userRoom(user.userId));
    timer = setTimeout(wait, Math.min(leftMs, LONGEST_TIMER_MS)).unref();
  };
  wait();
  socket.once("disconnect", () => clearTimeout(timer));
}

function expire(socket: GatewaySocket, room: string): void {
  socket.data.user = null;
  socket.leave(room);
  socket.emit(SOCKET_EVENTS.tokenExpired, {});
}
