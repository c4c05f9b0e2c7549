/** The use case: the first stream of a queue becomes the active one. */
import { activateStream } from "@votesync/postgres-store";
import type { JamQueues, ReadJam } from "./jam-queues.js";
import type { JamStores } from "./jam-stores.js";

/** Streams may come while it is decided which is first. */
const MAX_TRIES = 10;

/** Streams kept coming, and which is first could not be decided. */
export class QueueBusyError extends Error {
  override readonly name = "QueueBusyError";
  constructor(readonly boardId: string) {
    super("the queue kept changing");
  }
}

export type NextOutcome =
  | { kind: "played"; jam: ReadJam }
  /** Another stream is active than the caller thought: nothing was done. */
  | { kind: "moved" };

/**
 * @param o.activeId what the caller sees as active; `undefined`: whichever it is
 * @returns `null` when there is no such board
 * @throws {QueueBusyError}
 */
export async function playNext(
  { pool, queues }: Pick<JamStores, "pool"> & { queues: JamQueues },
  o: { boardId: string; activeId?: string | null | undefined },
): Promise<NextOutcome | null> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const jam = await queues.read(o.boardId, { fresh: true });
    if (jam === null) return null;
    const { structure, state } = jam;
    const active = state.activeStream?.id ?? null;
    if (o.activeId !== undefined && o.activeId !== active) return { kind: "moved" };
    const first = state.streams[0]?.id ?? null;
    if (first === null && active === null) return { kind: "played", jam };
    if (!(await activateStream(pool, { boardId: o.boardId, streamId: first, structure }))) continue;
    const after = await queues.read(o.boardId);
    return after === null ? null : { kind: "played", jam: after };
  }
  throw new QueueBusyError(o.boardId);
}
