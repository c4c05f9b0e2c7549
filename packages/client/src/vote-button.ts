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
 * All buttons of a page with the same `api`, `realtime`, `token` and `mode` share one connection. Dispatches `vote-failed`,
 * whose `detail` is the error. Needs no inline style and no inline script. Imported where there is no page, it does nothing.
 */
import type { ShownProject } from "./project-book.js";
import type { Vote } from "./project-votes.js";
import { type ButtonSettings, sharedClient } from "./shared-clients.js";
import { VOTE_BUTTON_CSS } from "./vote-button-style.js";

/** A page's own policy may forbid style elements; a sheet made by a script it allows. One for all buttons. */
let sheet: CSSStyleSheet | null = null;

function styleSheet(): CSSStyleSheet {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(VOTE_BUTTON_CSS);
  }
  return sheet;
}

/** Where a page is rendered on a server there are no elements to extend. */
const Base = typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;

export class VoteButtonElement extends Base {
  static readonly observedAttributes = ["project", "api", "realtime", "token", "label", "down", "mode"];

  readonly #root = this.attachShadow({ mode: "open" });
  readonly #group = element("div", { role: "group" });
  readonly #up = this.#button("up", "▲");
  readonly #count = element("output", { "aria-live": "off", part: "count" });
  readonly #down = this.#button("down", "▼");
  readonly #error = element("span", { role: "status", part: "error" });
  #click: ((vote: Vote) => void) | null = null;
  #release: (() => void) | null = null;
  #beginning = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [styleSheet()];
    this.#group.append(this.#up, this.#count, this.#down);
    this.#root.append(this.#group, this.#error);
  }

  connectedCallback(): void {
    this.#beginSoon();
  }

  disconnectedCallback(): void {
    this.#end();
  }

  attributeChangedCallback(): void {
    this.#beginSoon();
  }

  /** Once for all attributes that are set in one go. */
  #beginSoon(): void {
    if (this.#beginning) return;
    this.#beginning = true;
    queueMicrotask(() => {
      this.#beginning = false;
      if (this.isConnected) this.#begin();
    });
  }

  #begin(): void {
    const endLast = this.#release;
    this.#release = null;
    this.#click = null;
    const id = this.getAttribute("project") ?? "";
    this.#label(this.getAttribute("label") ?? id);
    if (id === "") this.#show(null);
    else this.#watch(id);
    endLast?.();
  }

  #watch(id: string): void {
    const [client, releaseClient] = sharedClient(this.#settings());
    const project = client.project(id);
    // Told already, before this button was there.
    let toldError = project.get()?.error ?? null;
    const show = () => {
      const shown = project.get();
      const error = shown?.error ?? null;
      this.#show(shown);
      if (error !== null && error !== toldError) {
        this.dispatchEvent(new CustomEvent("vote-failed", { detail: error, bubbles: true, composed: true }));
      }
      toldError = error;
    };
    const ends = [project.watch(show), client.watch({ projects: [id] }), releaseClient];
    this.#click = (vote) => client.click(id, vote);
    this.#release = () => {
      for (const end of ends) end();
    };
    show();
  }

  #end(): void {
    this.#release?.();
    this.#release = null;
    this.#click = null;
  }

  #settings(): ButtonSettings {
    const text = (name: string) => this.getAttribute(name) ?? "";
    return {
      api: text("api"),
      realtimeUrls: text("realtime")
        .split(/\s+/)
        .filter((url) => url !== ""),
      token: text("token"),
      serverFirst: text("mode") === "server-first",
    };
  }

  #button(vote: Vote, sign: string): HTMLButtonElement {
    const made = element("button", { type: "button", part: vote, "data-vote": vote }) as HTMLButtonElement;
    made.textContent = sign;
    made.addEventListener("click", () => this.#click?.(vote));
    return made;
  }

  #label(label: string): void {
    this.#group.setAttribute("aria-label", `Votes: ${label}`);
    this.#up.setAttribute("aria-label", `Vote up: ${label}`);
    this.#down.setAttribute("aria-label", `Vote down: ${label}`);
    this.#down.hidden = !this.hasAttribute("down");
  }

  /** In place, so that who uses the keyboard stays where they are. */
  #show(shown: ShownProject | null | undefined): void {
    this.#count.textContent = shown == null ? "–" : String(shown.voteCount);
    for (const button of [this.#up, this.#down]) {
      button.setAttribute("aria-pressed", String(shown?.ownVote === button.dataset.vote));
      button.disabled = shown === null;
    }
    this.toggleAttribute("pending", shown?.pending === true);
    this.#error.textContent = shown?.error?.message ?? "";
  }
}

function element(name: string, attributes: Record<string, string>): HTMLElement {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

// Twice on a page is fine, the first one stays.
if (typeof customElements !== "undefined" && customElements.get("vote-button") === undefined) {
  customElements.define("vote-button", VoteButtonElement);
}
