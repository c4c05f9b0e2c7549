/**
 * What a client sends, answered: the one place every packet of a socket ends.
 *
 * Measured: a handler that throws, an async one that rejects, or a call of an acknowledgement that was not asked for
 * ends the whole process. So packets are taken in a middleware and never reach the event emitter, where an event named
 * `error` would throw; whatever goes wrong becomes an answer.
 *
 * A socket's calls run one after another, so `subscribe` and `unsubscribe` of one project have the order they were sent
 * in. Each has its own deadline from the moment it came, so waiting for its turn cannot make it late. An answer may be
 * large, so whoever does not take one gets no other: their next calls wait, and are refused at their deadlines.
 */
import { DeadlineExceededError, type Logger } from "@votesync/service-kit";
import { drained } from "./send-queue.js";
import type { GatewaySocket } from "./sockets.js";

export const CALL_DEADLINE_MS = 2_000;

/** @returns the acknowledgement's fields beside `ok` */
export type Call = (socket: GatewaySocket, payload: unknown, deadlineAtMs: number) => Promise<object>;

/** The caller's mistake, in words for them. */
export class CallRefusedError extends Error {
  override readonly name = "CallRefusedError";
  constructor(readonly words: string) {
    super("call refused");
  }
}

type Acknowledge = (reply: object) => void;

export function answerCalls(
  socket: GatewaySocket,
  o: { calls: ReadonlyMap<string, Call>; nowMs: () => number; log: Logger },
): void {
  const unknownCall = `unknown event, known are: ${[...o.calls.keys()].join(", ")}`;
  let lastTurn: Promise<void> = Promise.resolve();
  // A broken packet is reported here before the connection is closed.
  socket.on("error", () => undefined);
  socket.use(([name, ...args]: unknown[]) => {
    const call = typeof name === "string" ? o.calls.get(name) : undefined;
    const acknowledge = acknowledgementOf(args);
    if (call === undefined) {
      acknowledge({ ok: false, error: unknownCall });
      return;
    }
    const deadlineAtMs = o.nowMs() + CALL_DEADLINE_MS;
    lastTurn = lastTurn.then(async () => {
      if (!socket.connected) return;
      const work = async () => {
        await answersTaken(socket, deadlineAtMs - o.nowMs());
        return call(socket, args[0], deadlineAtMs);
      };
      acknowledge(await answer(work, o.log));
    });
  });
}

/** @throws {CallRefusedError} */
async function answersTaken(socket: GatewaySocket, leftMs: number): Promise<void> {
  try {
    await drained(socket.conn, leftMs);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw new CallRefusedError("what was sent before has not been taken yet, try again in a moment");
  }
}

/** The callback socket.io adds as the last argument when the client asked for one. */
function acknowledgementOf(args: unknown[]): Acknowledge {
  const last = args.at(-1);
  if (typeof last !== "function") return () => undefined;
  args.pop();
  return last as Acknowledge;
}

async function answer(work: () => Promise<object>, log: Logger): Promise<object> {
  try {
    return { ok: true, ...(await work()) };
  } catch (error) {
    if (error instanceof CallRefusedError) return { ok: false, error: error.words };
    log.warn({ err: error }, "a socket's call failed");
    return { ok: false, error: "counts cannot be read just now, try again in a moment" };
  }
}
