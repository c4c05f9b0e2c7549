import { createContext, type ReactNode, useContext } from "react";
import type { VoteClient } from "../client.js";

const ClientContext = createContext<VoteClient | null>(null);

/** Gives everything inside it the client. Make the client once, outside of components. */
export function VoteClientProvider({ client, children }: { client: VoteClient; children: ReactNode }) {
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>;
}

/** @throws when there is no provider around the component */
export function useVoteClient(): VoteClient {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("put a <VoteClientProvider client={…}> around what uses votesync");
  return client;
}
