/** What is watched and how often: several parts of a page may watch the same thing, and let go of it one by one. */
import { WATCHED_LISTS, type Watched, type WatchedList } from "./wire.js";

export class WatchList {
  readonly #counts = new Map<WatchedList, Map<string, number>>(WATCHED_LISTS.map((list) => [list, new Map()]));
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** @returns what lets go of it again; calling that twice is fine */
  add(watched: Watched): () => void {
    this.#count(watched, 1);
    let held = true;
    return () => {
      if (held) this.#count(watched, -1);
      held = false;
    };
  }

  names(list: WatchedList): string[] {
    return [...(this.#counts.get(list)?.keys() ?? [])];
  }

  has(list: WatchedList, name: string): boolean {
    return this.#counts.get(list)?.has(name) === true;
  }

  get isEmpty(): boolean {
    return WATCHED_LISTS.every((list) => this.#counts.get(list)?.size === 0);
  }

  #count(watched: Watched, by: 1 | -1): void {
    for (const list of WATCHED_LISTS) {
      const counts = this.#counts.get(list) as Map<string, number>;
      for (const name of watched[list] ?? []) {
        const count = (counts.get(name) ?? 0) + by;
        if (count > 0) counts.set(name, count);
        else counts.delete(name);
      }
    }
    this.#onChange();
  }
}
