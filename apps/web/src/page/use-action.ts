import { RequestError } from "@votesync/client";
import { useState } from "react";

export interface Action<A extends unknown[]> {
  run: (...args: A) => Promise<void>;
  busy: boolean;
  /** Why the last one failed. */
  error: RequestError | null;
}

/** What somebody asks for with a button or a form: one at a time, and what went wrong with it. */
export function useAction<A extends unknown[]>(work: (...args: A) => Promise<void>): Action<A> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<RequestError | null>(null);
  const run = async (...args: A): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await work(...args);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      setError(error);
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error };
}
