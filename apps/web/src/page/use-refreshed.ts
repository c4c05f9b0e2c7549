import { RequestError } from "@votesync/client";
import { useCallback, useEffect, useRef, useState } from "react";

const REFRESH_MS = 5_000;

export interface Refreshed<T> {
  /** The newest there is; `null` until there is one. */
  value: T | null;
  /** Why it could not be read the last time. */
  error: RequestError | null;
  load: () => Promise<void>;
}

/** What is read again every few seconds while somebody looks. */
export function useRefreshed<T>(read: () => Promise<T>): Refreshed<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<RequestError | null>(null);
  const newest = useRef(read);
  newest.current = read;
  const loads = useRef({ begun: 0, shown: 0 });
  const load = useCallback(async () => {
    const own = ++loads.current.begun;
    // What was asked for later may be shown already.
    const show = (change: () => void) => {
      if (own < loads.current.shown) return;
      loads.current.shown = own;
      change();
    };
    try {
      const value = await newest.current();
      show(() => {
        setValue(value);
        setError(null);
      });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      show(() => setError(error));
    }
  }, []);
  useEffect(() => {
    void load();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void load();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [load]);
  return { value, error, load };
}
