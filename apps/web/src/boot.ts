/** From an empty page to one that knows who it is and hears of votes. */
import { createVoteClient, RequestError, type VoteClient } from "@votesync/client";
import { Session } from "./session/session.js";
import { tokenInHash } from "./session/token.js";
import { Store } from "./store.js";

interface PageConfig {
  realtime_urls: string[];
  guest: boolean;
}

/** What the components work with. */
export interface Page {
  client: VoteClient;
  session: Session;
}

export type BootState = { step: "starting" } | { step: "failed"; error: RequestError } | { step: "ready"; page: Page };

export class Boot {
  readonly state = new Store<BootState>({ step: "starting" });

  /** May be called again after a failure. */
  async start(): Promise<void> {
    this.state.set({ step: "starting" });
    try {
      this.state.set({ step: "ready", page: await open() });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.state.set({ step: "failed", error });
    }
  }
}

async function open(): Promise<Page> {
  const asNobody = createVoteClient();
  const config = await asNobody.request<PageConfig>("/config.json");
  const session = new Session(config.guest, asNobody);
  await session.ensure();
  const client = createVoteClient({ realtimeUrls: config.realtime_urls, token: session.tokens() });
  session.state.watch(() => client.signIn(session.tokens()));
  return { client, session };
}

/** A token put into the address of an open page: browsers do not load the page anew for that. */
export function reloadOnNewToken(): void {
  addEventListener("hashchange", () => {
    if (tokenInHash(location.hash) !== null) location.reload();
  });
}
