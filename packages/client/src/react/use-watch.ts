import { useEffect } from "react";
import type { Watched } from "../wire.js";
import { useVoteClient } from "./provider.js";

/** Watches while the component is there. What is watched is compared by value, so it may be written inline. */
export function useWatch(watched: Watched): void {
  const client = useVoteClient();
  const key = JSON.stringify(watched);
  useEffect(() => client.watch(JSON.parse(key) as Watched), [client, key]);
}
