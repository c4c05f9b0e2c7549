/**
 * Which votes are the user's own. The server knows; where it cannot be asked, this browser's memory of what the server
 * answered stands in, and the next answer of the server overwrites it.
 */
import { RequestError } from "../http/request.js";
import { browserStorage } from "../session/browser-storage.js";
import type { Session } from "../session/session.js";
import type { Vote } from "./project-votes.js";
import { readOwnVotes } from "./votes-api.js";

/** Projects remembered per user; the ones voted on longest ago are forgotten first. */
const REMEMBERED_MAX = 500;

/** By project id. Maps, because a project may be named `constructor`. */
type Votes = Map<string, Vote | null>;

export class OwnVotes {
  readonly #session: Session;
  #serverTells = true;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @returns a vote or `null` for each of the projects; nothing for somebody who only watches */
  async of(projectIds: readonly string[]): Promise<ReadonlyMap<string, Vote | null>> {
    if (this.#userId === null || projectIds.length === 0) return new Map();
    const told = await this.#ask(projectIds);
    const remembered = this.#remembered();
    const votes: Votes = new Map(projectIds.map((id) => [id, (told ?? remembered).get(id) ?? null]));
    if (told !== null) this.#remember(new Map([...remembered, ...votes]));
    return votes;
  }

  /** What the server answered to a vote. */
  learn(projectId: string, vote: Vote | null): void {
    const remembered = this.#remembered();
    remembered.delete(projectId);
    this.#remember(remembered.set(projectId, vote));
  }

  /** @returns `null` when the server cannot tell */
  async #ask(projectIds: readonly string[]): Promise<Votes | null> {
    if (!this.#serverTells) return null;
    try {
      const votes = await this.#session.withToken((token) => readOwnVotes(token, projectIds));
      return new Map(Object.entries(votes));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // An older server without this route: asking again would only fill the console.
      if (error.status === 404) this.#serverTells = false;
      return null;
    }
  }

  get #userId(): string | null {
    return this.#session.state.get().identity?.userId ?? null;
  }

  get #key(): string {
    return `votesync.votes:${this.#userId}`;
  }

  #remembered(): Votes {
    try {
      return new Map(Object.entries(JSON.parse(browserStorage.read(this.#key) ?? "{}") as Record<string, Vote>));
    } catch {
      return new Map();
    }
  }

  #remember(votes: Votes): void {
    const cast = [...votes].filter(([, vote]) => vote !== null);
    browserStorage.write(this.#key, JSON.stringify(Object.fromEntries(cast.slice(-REMEMBERED_MAX))));
  }
}
