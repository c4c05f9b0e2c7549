/** Every project a client knows of: what the server told, one's own wish over it, and what is shown of both. */
import {
  type Counts,
  type Display,
  type ProjectVotes,
  projectVotes,
  type ShownVotes,
  shownVotes,
  type Vote,
  withCounts,
  withNewPeriod,
  withOwnVote,
} from "./project-votes.js";
import type { RequestError } from "./request.js";
import { Store } from "./store.js";

/** A project as it is to be shown. */
export interface ShownProject extends ShownVotes {
  id: string;
  /** Why the last vote was given up; `null` since the next one. */
  error: RequestError | null;
}

interface Entry {
  votes: ProjectVotes;
  error: RequestError | null;
}

const NOTHING: Counts = { upvotes: 0, downvotes: 0, voteCount: 0, version: 0 };

export class ProjectBook {
  readonly #entries = new Map<string, Entry>();
  readonly #shown = new Map<string, Store<ShownProject | null | undefined>>();
  /** Projects shown otherwise than the rest. */
  readonly #displays = new Map<string, Display>();
  readonly #display: Display;
  readonly #onChange: (id: string) => void;

  constructor(display: Display, onChange: (id: string) => void) {
    this.#display = display;
    this.#onChange = onChange;
  }

  /** `undefined` until something is known of it, `null` when there is no such project. */
  shown(id: string): Store<ShownProject | null | undefined> {
    const store = this.#shown.get(id) ?? new Store<ShownProject | null | undefined>(undefined);
    this.#shown.set(id, store);
    return store;
  }

  votes(id: string): ProjectVotes | undefined {
    return this.#entries.get(id)?.votes;
  }

  /** There is no such project. */
  setMissing(id: string): void {
    if (!this.#entries.has(id)) this.shown(id).set(null);
  }

  /** Of a project nobody told anything of yet, too. */
  ensure(id: string): void {
    if (!this.#entries.has(id)) this.#write(id, { votes: projectVotes(NOTHING), error: null });
  }

  setVotes(id: string, votes: ProjectVotes): void {
    const error = this.#entries.get(id)?.error ?? null;
    // A new wish is a new try.
    this.#write(id, { votes, error: votes.wish === null ? error : null });
  }

  setError(id: string, error: RequestError): void {
    const votes = this.votes(id);
    if (votes !== undefined) this.#write(id, { votes, error });
  }

  /** Older counts are dropped. */
  applyCounts(id: string, counts: Counts): void {
    const votes = this.votes(id);
    this.setVotes(id, votes === undefined ? projectVotes(counts) : withCounts(votes, counts));
  }

  /** The own votes as they are known now: what `applyOwnVotes` wants to know of the moment of its question. */
  ownVotes(): ReadonlyMap<string, Vote | null> {
    return new Map([...this.#entries].map(([id, { votes }]) => [id, votes.ownVote]));
  }

  /**
   * Own votes as the server told them. Where one has changed between the question and its answer, the answer may be the
   * older truth, and is dropped.
   */
  applyOwnVotes(told: ReadonlyMap<string, Vote | null>, before: ReadonlyMap<string, Vote | null>): void {
    for (const [id, ownVote] of told) {
      const votes = this.votes(id);
      if (votes === undefined || votes.ownVote !== (before.get(id) ?? null)) continue;
      this.setVotes(id, withOwnVote(votes, ownVote));
    }
  }

  /**
   * The counts began anew, and everybody may vote anew.
   * @returns whether that is news; otherwise nobody here knows whether the own vote is of the old period or of the new one
   */
  periodClosed(id: string, counts: Counts): boolean {
    const votes = this.votes(id);
    if (votes !== undefined && counts.version <= votes.counts.version) return false;
    this.setVotes(id, votes === undefined ? projectVotes(counts, null) : withNewPeriod(votes, counts));
    return true;
  }

  /** Somebody else is signed in: whose votes these are is not known any more. */
  forgetOwnVotes(): void {
    for (const [id, { votes }] of this.#entries) this.#write(id, { votes: projectVotes(votes.counts), error: null });
  }

  display(id: string): Display {
    return this.#displays.get(id) ?? this.#display;
  }

  setDisplay(id: string, display: Display): void {
    if (this.display(id) === display) return;
    this.#displays.set(id, display);
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#show(id, entry);
  }

  #write(id: string, entry: Entry): void {
    const known = this.#entries.get(id);
    if (known !== undefined && known.votes === entry.votes && known.error === entry.error) return;
    this.#entries.set(id, entry);
    this.#show(id, entry);
  }

  #show(id: string, { votes, error }: Entry): void {
    this.shown(id).set({ id, ...shownVotes(votes, this.display(id)), error });
    this.#onChange(id);
  }
}
