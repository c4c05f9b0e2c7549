import { useEffect, useRef } from "react";
import type { ConnectionState } from "../connection.js";
import type { ServerMessageName, ServerMessages, Watched } from "../wire.js";
import { useVoteClient } from "./provider.js";
import { useReadable } from "./use-readable.js";
import { useWatch } from "./use-watch.js";

export type RealTimeListeners = { [N in ServerMessageName]?: (body: ServerMessages[N]) => void };

/**
 * Watches, and hands on what the server says: `{"vote:reconciled": ({id}) => toast("Counts were corrected")}`.
 * @returns how changes are heard of
 */
export function useRealTimeUpdates(watched: Watched, listeners: RealTimeListeners = {}): ConnectionState {
  const client = useVoteClient();
  useWatch(watched);
  const newest = useRef(listeners);
  useEffect(() => {
    newest.current = listeners;
  });
  const names = Object.keys(listeners).sort().join(" ");
  useEffect(() => {
    const heard = (names === "" ? [] : names.split(" ")) as ServerMessageName[];
    const ends = heard.map((name) => client.on(name, (body) => newest.current[name]?.(body as never)));
    return () => {
      for (const end of ends) end();
    };
  }, [client, names]);
  return useReadable(client.connection);
}
