/**
 * Sends everybody away a few at a time. A client whose connection closes goes to another gateway; thousands at once would
 * find that one busy with nothing but handshakes, and those who were there already would wait.
 *
 * The transport is closed, which socket.io-client answers by connecting again after a random delay; a `disconnect` packet
 * would tell it to stay away. Until its turn a socket is told everything as before.
 */
import type { EngineConnection } from "./sockets.js";

/** However many there are, so that a stop stays within its deadline. */
const STEPS = 60;
/** Fewer are no crowd. */
const LEAST_PER_STEP = 20;

/** @param pause between two steps, of which there are 60 at most */
export async function sendAway(
  openConnections: () => readonly EngineConnection[],
  pause: () => Promise<unknown>,
): Promise<void> {
  const perStep = Math.max(LEAST_PER_STEP, Math.ceil(openConnections().length / STEPS));
  for (let step = 0; step < STEPS; step++) {
    const open = openConnections();
    for (const connection of open.slice(0, perStep)) connection.close();
    if (open.length <= perStep) return;
    await pause();
  }
}
