/** The list of projects: which ones, and in what order. Their counts and votes are the client's. */
import { type Counts, RequestError, type VoteClient } from "@votesync/client";
import { Store } from "../store.js";

export type ProjectSort = "hot" | "top" | "new" | "best";

export interface Project extends Counts {
  id: string;
  title: string;
  url: string | null;
  up_only: boolean;
  created_at: string;
}

export interface NewProject {
  title: string;
  url?: string;
}

interface ProjectPage {
  projects: Project[];
  next_cursor: string | null;
}

export interface ProjectListState {
  sort: ProjectSort;
  /** What is under way: the list anew, its next page, or nothing. */
  loading: "list" | "more" | null;
  error: RequestError | null;
  projects: readonly Project[];
  /** `null` also while the list is read anew: a cursor belongs to one order. */
  nextCursor: string | null;
  /** The project this page has just added. */
  addedId: string | null;
}

const PAGE_SIZE = 20;

export class ProjectList {
  readonly state = new Store<ProjectListState>({
    sort: "hot",
    loading: "list",
    error: null,
    projects: [],
    nextCursor: null,
    addedId: null,
  });
  readonly #client: VoteClient;
  /** Counts loads; the answer of any but the newest is dropped. */
  #loads = 0;

  constructor(client: VoteClient) {
    this.#client = client;
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
  async add(body: NewProject): Promise<void> {
    const created = await this.#client.request<Project>("/api/projects", { method: "POST", body });
    this.#client.prime([created]);
    this.state.update((state) => ({
      ...state,
      projects: unique([created, ...state.projects]),
      addedId: created.id,
    }));
  }

  async #loadPage(sort: ProjectSort, cursor: string | null): Promise<void> {
    const load = ++this.#loads;
    const query = new URLSearchParams({ sort, limit: String(PAGE_SIZE), ...(cursor === null ? {} : { cursor }) });
    try {
      const page = await this.#client.request<ProjectPage>(`/api/projects?${query}`);
      if (load !== this.#loads) return;
      this.#client.prime(page.projects);
      this.state.update((state) => ({
        ...state,
        loading: null,
        projects: unique([...(cursor === null ? addedMeanwhile(state) : state.projects), ...page.projects]),
        nextCursor: page.next_cursor,
      }));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (load === this.#loads) this.state.update((state) => ({ ...state, loading: null, error }));
    }
  }
}

/** A list that was on its way may be without it. */
const addedMeanwhile = ({ projects, addedId }: ProjectListState) => projects.filter(({ id }) => id === addedId);

const unique = (projects: readonly Project[]): Project[] => [...new Map(projects.map((p) => [p.id, p])).values()];
