/** Every board a client watches: the order as the server last made it, and of each stream the newest counts known. */
import type { ProjectBook, ShownProject } from "./project-book.js";
import type { Display } from "./project-votes.js";
import { Store } from "./store.js";
import type { BoardState, StreamState } from "./wire.js";

/** A stream as it is to be shown. */
export interface ShownStream extends ShownProject {
  title: string;
  url: string | null;
}

export interface ShownBoard {
  id: string;
  title: string;
  display: Display;
  ownerId: string | null;
  version: number;
  activeStream: ShownStream | null;
  /** In queue order. */
  streams: ShownStream[];
}

/** What `GET /api/boards/:id` says of it. */
export interface BoardInfo {
  title: string;
  mode: Display;
  owner_id: string;
}

interface Entry {
  info: BoardInfo | null;
  queue: { version: number; streams: StreamState[] } | null;
  active: { version: number; stream: StreamState | null } | null;
}

export class BoardBook {
  readonly #entries = new Map<string, Entry>();
  readonly #shown = new Map<string, Store<ShownBoard | null | undefined>>();
  readonly #boardOf = new Map<string, string>();
  readonly #projects: ProjectBook;
  #applying = false;

  constructor(projects: ProjectBook) {
    this.#projects = projects;
  }

  /** `undefined` until its queue and its mode are known, `null` when there is no such board. */
  shown(id: string): Store<ShownBoard | null | undefined> {
    const store = this.#shown.get(id) ?? new Store<ShownBoard | null | undefined>(undefined);
    this.#shown.set(id, store);
    return store;
  }

  /** There is no such board. */
  setMissing(id: string): void {
    if (!this.#entries.has(id)) this.shown(id).set(null);
  }

  hasInfo(id: string): boolean {
    return this.#entries.get(id)?.info != null;
  }

  applyInfo(id: string, info: BoardInfo): void {
    this.#change(id, (entry) => ({ ...entry, info }));
  }

  applyState(id: string, { version, activeStream, streams }: BoardState): void {
    this.applyQueue(id, version, streams);
    this.applyActive(id, version, activeStream);
  }

  /** Older queues are dropped. */
  applyQueue(id: string, version: number, streams: StreamState[]): void {
    this.#applyCounts(streams);
    this.#change(id, (entry) =>
      entry.queue !== null && version < entry.queue.version ? entry : { ...entry, queue: { version, streams } },
    );
  }

  applyActive(id: string, version: number, stream: StreamState | null): void {
    if (stream !== null) this.#applyCounts([stream]);
    this.#change(id, (entry) =>
      entry.active !== null && version < entry.active.version ? entry : { ...entry, active: { version, stream } },
    );
  }

  /** What is shown of a project changed. */
  projectChanged(projectId: string): void {
    const id = this.#boardOf.get(projectId);
    if (id !== undefined && !this.#applying) this.#show(id);
  }

  /** Shown once, when all of them are known. */
  #applyCounts(streams: readonly StreamState[]): void {
    this.#applying = true;
    for (const { id, upvotes, downvotes, votes, version } of streams) {
      this.#projects.applyCounts(id, { upvotes, downvotes, voteCount: votes, version });
    }
    this.#applying = false;
  }

  #change(id: string, change: (entry: Entry) => Entry): void {
    const entry = this.#entries.get(id) ?? { info: null, queue: null, active: null };
    this.#entries.set(id, change(entry));
    this.#show(id);
  }

  #show(id: string): void {
    const { info, queue, active } = this.#entries.get(id) as Entry;
    if (info === null || queue === null || active === null) return;
    this.#applying = true;
    for (const { id: streamId } of [...queue.streams, ...(active.stream === null ? [] : [active.stream])]) {
      this.#boardOf.set(streamId, id);
      this.#projects.setDisplay(streamId, info.mode);
    }
    this.#applying = false;
    this.shown(id).set({
      id,
      title: info.title,
      display: info.mode,
      ownerId: info.owner_id,
      version: Math.max(queue.version, active.version),
      activeStream: active.stream === null ? null : this.#shownStream(active.stream),
      streams: queue.streams.map((stream) => this.#shownStream(stream)),
    });
  }

  #shownStream({ id, title, url }: StreamState): ShownStream {
    return { ...(this.#projects.shown(id).get() as ShownProject), title, url };
  }
}
