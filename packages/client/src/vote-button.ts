/**
 * `<vote-button project="rocket" api="https://votes.example.com">`: a vote button for any page, with one script tag.
 *
 * | attribute | |
 * | --- | --- |
 * | `project` | what is voted on |
 * | `api` | address of vote-api; the page's own origin without it |
 * | `realtime` | addresses of gateways, separated by blanks; without it vote-api says where one is |
 * | `token` | a JWT; without it, and where they are let in, a guest |
 * | `label` | what is voted on, for who cannot see it |
 * | `down` | a button for votes against, too |
 * | `mode` | `server-first`: shows a vote once it is answered |
 *
 * Colours and sizes: `--votesync-color`, `--votesync-background`, `--votesync-accent`, `--votesync-radius`, the font is the page's.
 * All buttons of a page with the same `api`, `realtime` and `token` share one connection. Dispatches `vote-failed`.
 */
import { createVoteClient, type VoteClient } from "./client.js";
import { guestToken } from "./guest.js";
import type { ShownProject } from "./project-book.js";
import type { Vote } from "./project-votes.js";
import { VOTE_BUTTON_CSS } from "./vote-button-style.js";

const clients = new Map<string, VoteClient>();

function clientOf(element: HTMLElement): VoteClient {
  const [api = "", realtime = "", token = "", mode = ""] = ["api", "realtime", "token", "mode"].map(
    (name) => element.getAttribute(name) ?? "",
  );
  const key = JSON.stringify([api, realtime, token, mode]);
  const realtimeUrls = realtime.split(/\s+/).filter((url) => url !== "");
  const client =
    clients.get(key) ??
    createVoteClient({
      url: api,
      token: token === "" ? guestToken(api) : token,
      display: mode === "server-first" ? mode : "optimistic",
      ...(realtimeUrls.length === 0 ? {} : { realtimeUrls }),
    });
  clients.set(key, client);
  return client;
}

export class VoteButtonElement extends HTMLElement {
  static readonly observedAttributes = ["project", "api", "realtime", "token", "label", "down", "mode"];

  readonly #root = this.attachShadow({ mode: "open" });
  #release: (() => void) | null = null;

  connectedCallback(): void {
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#end();
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#begin();
  }

  #begin(): void {
    this.#end();
    const id = this.getAttribute("project");
    if (id === null || id === "") return;
    const client = clientOf(this);
    this.#render(client, id);
    const project = client.project(id);
    let shownError: unknown = null;
    const show = () => {
      const shown = project.get();
      this.#show(shown);
      if (shown?.error != null && shown.error !== shownError) {
        this.dispatchEvent(new CustomEvent("vote-failed", { detail: shown.error, bubbles: true, composed: true }));
      }
      shownError = shown?.error ?? null;
    };
    const stopWatching = project.watch(show);
    const release = client.watch({ projects: [id] });
    this.#release = () => {
      stopWatching();
      release();
    };
    show();
  }

  #end(): void {
    this.#release?.();
    this.#release = null;
  }

  #render(client: VoteClient, id: string): void {
    const label = this.getAttribute("label") ?? id;
    const style = document.createElement("style");
    style.textContent = VOTE_BUTTON_CSS;
    const group = element("div", { role: "group", "aria-label": `Votes: ${label}` });
    const button = (vote: Vote, words: string, sign: string) => {
      const made = element("button", { type: "button", "aria-label": `${words}: ${label}`, part: vote });
      made.dataset.vote = vote;
      made.textContent = sign;
      made.addEventListener("click", () => client.click(id, vote));
      return made;
    };
    group.append(button("up", "Vote up", "▲"), element("output", { "aria-live": "off", part: "count" }));
    if (this.hasAttribute("down")) group.append(button("down", "Vote down", "▼"));
    this.#root.replaceChildren(style, group, element("span", { role: "status", part: "error" }));
  }

  #show(shown: ShownProject | null | undefined): void {
    const output = this.#root.querySelector("output");
    if (output !== null) output.textContent = shown == null ? "–" : String(shown.voteCount);
    for (const button of this.#root.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(shown?.ownVote === button.dataset.vote));
      button.disabled = shown === null;
    }
    this.toggleAttribute("pending", shown?.pending === true);
    const status = this.#root.querySelector("span");
    if (status !== null) status.textContent = shown?.error?.title ?? "";
  }
}

function element(name: string, attributes: Record<string, string>): HTMLElement {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

// Twice on a page is fine, the first one stays.
if (customElements.get("vote-button") === undefined) customElements.define("vote-button", VoteButtonElement);
