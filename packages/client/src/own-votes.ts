/**
 * Which votes are the user's own. Counts come to everybody, this does not: it is asked for once per project, and again after
 * whatever may have changed it unheard. What could not be asked is asked again.
 */
import type { Api } from "./api.js";
import type { Clock } from "./clock.js";
import type { ProjectBook } from "./project-book.js";
import type { TokenSource } from "./token-source.js";

export const READ_AGAIN_MS = 2_000;

export interface OwnVotesDeps {
  tokens: TokenSource;
  api: Api;
  projects: ProjectBook;
  clock: Clock;
  /** Whether nobody else asks again. */
  isLive: () => boolean;
}

export class OwnVotes {
  readonly #deps: OwnVotesDeps;
  readonly #asked = new Set<string>();

  constructor(deps: OwnVotesDeps) {
    this.#deps = deps;
  }

  /** They may be others by now: the next `read` asks again. */
  forget(ids?: readonly string[]): void {
    if (ids === undefined) this.#asked.clear();
    else for (const id of ids) this.#asked.delete(id);
  }

  /** Of those nobody has told yet. */
  async read(ids: readonly string[]): Promise<void> {
    const asked = ids.filter((id) => !this.#asked.has(id));
    if (asked.length === 0) return;
    for (const id of asked) this.#asked.add(id);
    const { tokens, clock, isLive } = this.#deps;
    const { session } = tokens;
    try {
      await this.#ask(asked, session);
    } catch {
      // Somebody else's were forgotten already.
      if (tokens.session !== session) return;
      this.forget(asked);
      clock.after(READ_AGAIN_MS, () => {
        if (isLive()) void this.read(asked);
      });
    }
  }

  async #ask(ids: readonly string[], session: number): Promise<void> {
    const { tokens, api, projects } = this.#deps;
    if ((await tokens.current()) === null) return;
    const before = projects.ownVotes();
    const told = await api.ownVotes(ids);
    if (tokens.session === session) projects.applyOwnVotes(told, before);
  }
}
