import { useSyncExternalStore } from "react";
import type { Readable } from "../store.js";

/**
 * The value, and a new rendering whenever it changes. On a server, and while its page is taken over, what was known at first:
 * what came since would not be what the server wrote.
 */
export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(readable.watch, readable.get, readable.initial ?? readable.get);
}
