import { useSyncExternalStore } from "react";
import type { Store } from "./store.js";

/** The store's value, and a new rendering whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.watch, store.get);
}
