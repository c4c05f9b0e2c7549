import type { ConnectionState, VoteClient } from "@votesync/client";
import { useReadable } from "@votesync/client/react";
import { useState } from "react";

const MEANING: Record<Exclude<ConnectionState, "idle">, string> = {
  live: "counts change as votes come in",
  connecting: "counts may be a moment behind",
  polling: "live updates cannot be reached; counts are asked for every few seconds",
  offline: "counts may be out of date; still trying",
};

/** Visible as long as something is watched; screen readers hear of a change when they are done with what they read. */
export function ConnectionBadge({ client }: { client: VoteClient }) {
  const state = useReadable(client.connection);
  const [wasLive, setWasLive] = useState(false);
  if (state === "idle") return null;
  if (state === "live" && !wasLive) setWasLive(true);
  const words = {
    live: "Live",
    connecting: wasLive ? "Reconnecting…" : "Connecting…",
    polling: "Not live",
    offline: "Offline",
  };
  return (
    <p className="connection" role="status" data-testid="connection" data-state={state} title={MEANING[state]}>
      <span className="connection-light" aria-hidden="true" />
      {words[state]}
      <span className="visually-hidden">: {MEANING[state]}</span>
    </p>
  );
}
