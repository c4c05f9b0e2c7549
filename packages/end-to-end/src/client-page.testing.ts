/** A page with the client and its hooks, told by a test what to do: bundled, and run in a real browser. */
import { createVoteClient, type VoteClient } from "@votesync/client";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { PRIMED, tree } from "./client-tree.testing.js";

/** What the test may ask of the page, as `window.page`. */
export interface TestedPage {
  client: VoteClient;
  /** What React complained of. */
  complaints: string[];
  mount(projectIds: string[]): void;
  unmount(): void;
  hydrate(projectIds: string[]): void;
}

declare global {
  interface Window {
    page: TestedPage;
  }
}

const parameters = new URLSearchParams(location.search);
const url = parameters.get("api") ?? "";
const client = createVoteClient({ url, token: parameters.get("token") });
const container = document.getElementById("root") as HTMLElement;
let root: Root | null = null;
const complaints: string[] = [];
const onRecoverableError = (error: unknown) => complaints.push(String(error));

window.page = {
  client,
  complaints,
  mount: (projectIds) => {
    root = createRoot(container, { onRecoverableError });
    root.render(tree(client, projectIds));
  },
  unmount: () => root?.unmount(),
  hydrate: (projectIds) => {
    client.prime(projectIds.map((id) => ({ id, ...PRIMED })));
    root = hydrateRoot(container, tree(client, projectIds), { onRecoverableError });
  },
};
