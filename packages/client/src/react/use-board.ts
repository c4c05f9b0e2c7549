import { useMemo } from "react";
import type { ShownBoard } from "../board-book.js";
import { useVoteClient } from "./provider.js";
import { useReadable } from "./use-readable.js";
import { useWatch } from "./use-watch.js";

/** A board's queue and active stream, live: `undefined` until known, `null` when there is no such board. */
export function useBoard(boardId: string): ShownBoard | null | undefined {
  const client = useVoteClient();
  useWatch(useMemo(() => ({ boards: [boardId] }), [boardId]));
  return useReadable(client.board(boardId));
}
