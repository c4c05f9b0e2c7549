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
  const load = useCallback(async () => {
    try {
      setValue(await newest.current());
      setError(null);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      setError(error);
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
