/** The clients of a page's buttons: one for all with the same settings, ended once the last of them has been gone for a while. */
import { createVoteClient, type VoteClient } from "./client.js";
import { guestToken } from "./guest.js";

export interface ButtonSettings {
  api: string;
  realtimeUrls: string[];
  /** Empty for a guest. */
  token: string;
  serverFirst: boolean;
}

interface Shared {
  client: VoteClient;
  holders: number;
}

/** A button that is moved within a page leaves it for a moment. */
const KEPT_MS = 5_000;

const clients = new Map<string, Shared>();

/** @returns the client, and what lets go of it */
export function sharedClient(settings: ButtonSettings): [client: VoteClient, release: () => void] {
  const key = JSON.stringify(settings);
  const shared = clients.get(key) ?? { client: createClient(settings), holders: 0 };
  clients.set(key, shared);
  shared.holders++;
  const end = () => {
    if (shared.holders > 0 || clients.get(key) !== shared) return;
    clients.delete(key);
    shared.client.close();
  };
  const release = () => {
    shared.holders--;
    setTimeout(end, KEPT_MS);
  };
  return [shared.client, release];
}

function createClient({ api, realtimeUrls, token, serverFirst }: ButtonSettings): VoteClient {
  return createVoteClient({
    url: api,
    token: token === "" ? guestToken(api) : token,
    display: serverFirst ? "server-first" : "optimistic",
    ...(realtimeUrls.length === 0 ? {} : { realtimeUrls }),
  });
}
