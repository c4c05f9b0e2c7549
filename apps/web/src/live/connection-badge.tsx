import { useState } from "react";
import type { Store } from "../store.js";
import { useStore } from "../use-store.js";
import type { ConnectionState } from "./live-counts.js";

const MEANING: Record<ConnectionState, string> = {
  live: "counts change as votes come in",
  reconnecting: "counts may be a moment behind",
  offline: "counts may be out of date; still trying",
};

/** Always visible; screen readers hear of a change when they are done with what they read. */
export function ConnectionBadge({ connection }: { connection: Store<ConnectionState> }) {
  const state = useStore(connection);
  const [wasLive, setWasLive] = useState(false);
  if (state === "live" && !wasLive) setWasLive(true);
  const words = { live: "Live", reconnecting: wasLive ? "Reconnecting…" : "Connecting…", offline: "Offline" };
  return (
    <p className="connection" role="status" data-testid="connection" data-state={state} title={MEANING[state]}>
      <span className="connection-light" aria-hidden="true" />
      {words[state]}
      <span className="visually-hidden">: {MEANING[state]}</span>
    </p>
  );
}
