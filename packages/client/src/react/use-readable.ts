import { useSyncExternalStore } from "react";
import type { Readable } from "../store.js";

/** The value, and a new rendering whenever it changes; on a server what is known there. */
export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(readable.watch, readable.get, readable.get);
}
