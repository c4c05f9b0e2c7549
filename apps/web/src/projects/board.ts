/**
 * The list of projects and everything that changes it: pages, clicks, live counts. Every project ever listed is kept
 * with its newest counts, so that switching the order never shows an older version again.
 */
import { RequestError } from "../http/request.js";
import type { Session } from "../session/session.js";
import { Store } from "../store.js";
import { newIdempotencyKey } from "../votes/idempotency-key.js";
import { ownVotesOf } from "../votes/own-votes.js";
import {
  type Counts,
  type ProjectVotes,
  projectVotes,
  type Vote,
  withCounts,
  withOwnVote,
} from "../votes/project-votes.js";
import { voteFailureText } from "../votes/vote-failure.js";
import { VoteSender } from "../votes/vote-sender.js";
import { castVote } from "../votes/votes-api.js";
import { createProject, listProjects, type NewProject, type Project, type ProjectSort } from "./projects-api.js";

export interface BoardProject {
  project: Project;
  votes: ProjectVotes;
  /** Why the last click had no effect. */
  failure: string | null;
}

export interface BoardState {
  sort: ProjectSort;
  /** What is under way: the list anew, its next page, or nothing. */
  loading: "list" | "more" | null;
  error: RequestError | null;
  /** The listed projects, in the order of the list. */
  order: readonly string[];
  /** `null` also while the list is read anew: a cursor belongs to one order. */
  nextCursor: string | null;
  projects: ReadonlyMap<string, BoardProject>;
  /** The project this page has just added. */
  addedId: string | null;
}

export class Board {
  readonly state = new Store<BoardState>({
    sort: "hot",
    loading: "list",
    error: null,
    order: [],
    nextCursor: null,
    projects: new Map(),
    addedId: null,
  });
  readonly #session: Session;
  readonly #list: typeof listProjects;
  readonly #sender: VoteSender;
  /** Counts loads; the answer of any but the newest is dropped. */
  #loads = 0;

  constructor(session: Session, list: typeof listProjects = listProjects) {
    this.#session = session;
    this.#list = list;
    this.#sender = new VoteSender({
      read: (id) => this.#project(id)?.votes,
      write: (id, votes) => this.#change(id, { votes }),
      cast: (projectId, vote, idempotencyKey) =>
        session.withToken((token) => castVote(token, { projectId, vote, idempotencyKey })),
      onFailed: (id, error) => this.#showFailure(id, error),
      newKey: newIdempotencyKey,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
  }

  /** The list from its beginning. What is shown stays until the answer is there. */
  load(sort: ProjectSort): Promise<void> {
    this.state.update((state) => ({ ...state, sort, loading: "list", error: null, nextCursor: null, addedId: null }));
    return this.#loadPage(sort, null);
  }

  loadMore(): Promise<void> {
    const { sort, nextCursor, loading } = this.state.get();
    if (nextCursor === null || loading !== null) return Promise.resolve();
    this.state.update((state) => ({ ...state, loading: "more", error: null }));
    return this.#loadPage(sort, nextCursor);
  }

  /** @throws {RequestError} */
  async add(project: NewProject): Promise<void> {
    const created = await this.#session.withToken((token) => createProject(token, project));
    this.#keep([created], new Map());
    this.state.update((state) => ({ ...state, order: unique([created.id, ...state.order]), addedId: created.id }));
  }

  click(projectId: string, button: Vote): Promise<void> {
    this.#change(projectId, { failure: null });
    return this.#sender.click(projectId, button);
  }

  applyCounts(projectId: string, counts: Counts): void {
    const known = this.#project(projectId);
    if (known === undefined) return;
    const votes = withCounts(known.votes, counts);
    if (votes !== known.votes) this.#change(projectId, { votes });
  }

  /** A vote that was answered could not be kept. The counts without it come by themselves; the own vote is asked for. */
  voteFailed(projectId: string, failure: string): void {
    if (this.#project(projectId) === undefined) return;
    this.#change(projectId, { failure });
    void this.#readOwnVotes([projectId]);
  }

  /** For a user who is somebody else now. */
  async reloadOwnVotes(): Promise<void> {
    const { order } = this.state.get();
    for (let at = 0; at < order.length; at += OWN_VOTES_CHUNK) {
      await this.#readOwnVotes(order.slice(at, at + OWN_VOTES_CHUNK));
    }
  }

  async #loadPage(sort: ProjectSort, cursor: string | null): Promise<void> {
    const load = ++this.#loads;
    try {
      const page = await this.#list(sort, cursor);
      const ids = page.projects.map(({ id }) => id);
      const before = this.state.get().projects;
      const ownVotes = await ownVotesOf(this.#session, ids);
      if (load !== this.#loads) return;
      this.#keep(page.projects, stillTrue(ownVotes, before, this.state.get().projects));
      this.state.update((state) => ({
        ...state,
        loading: null,
        order: cursor === null ? ids : unique([...state.order, ...ids]),
        nextCursor: page.next_cursor,
      }));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (load === this.#loads) this.state.update((state) => ({ ...state, loading: null, error }));
    }
  }

  async #readOwnVotes(ids: readonly string[]): Promise<void> {
    const before = this.state.get().projects;
    const told = await ownVotesOf(this.#session, ids);
    for (const [id, vote] of stillTrue(told, before, this.state.get().projects)) {
      const known = this.#project(id);
      if (known !== undefined) this.#change(id, { votes: withOwnVote(known.votes, vote) });
    }
  }

  #keep(projects: readonly Project[], ownVotes: ReadonlyMap<string, Vote | null>): void {
    const kept = new Map(this.state.get().projects);
    for (const project of projects) {
      const known = kept.get(project.id);
      const votes = known === undefined ? projectVotes(project) : withCounts(known.votes, project);
      const ownVote = ownVotes.get(project.id);
      kept.set(project.id, {
        project,
        votes: ownVote === undefined ? votes : withOwnVote(votes, ownVote),
        failure: known?.failure ?? null,
      });
    }
    this.state.update((state) => ({ ...state, projects: kept }));
  }

  #showFailure(id: string, error: RequestError): void {
    const failure = voteFailureText(error);
    this.#change(id, { failure });
    // Nobody knows whether it was counted; the server may by now.
    if (error.status === null) void this.#readOwnVotes([id]);
    if (error.retryAfterS === null) return;
    setTimeout(() => {
      if (this.#project(id)?.failure === failure) this.#change(id, { failure: null });
    }, error.retryAfterS * 1_000);
  }

  #project(id: string): BoardProject | undefined {
    return this.state.get().projects.get(id);
  }

  #change(id: string, change: Partial<BoardProject>): void {
    const known = this.#project(id);
    if (known === undefined) return;
    this.state.update((state) => ({ ...state, projects: new Map(state.projects).set(id, { ...known, ...change }) }));
  }
}

const OWN_VOTES_CHUNK = 50;

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];

/** Leaves out the projects voted on between the question and its answer: there the answer may be the older truth. */
function stillTrue(
  told: ReadonlyMap<string, Vote | null>,
  before: ReadonlyMap<string, BoardProject>,
  now: ReadonlyMap<string, BoardProject>,
): ReadonlyMap<string, Vote | null> {
  return new Map([...told].filter(([id]) => before.get(id)?.votes.ownVote === now.get(id)?.votes.ownVote));
}
