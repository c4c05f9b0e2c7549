/** A value that can be watched; what React's `useSyncExternalStore` asks of a store. */
export interface Readable<T> {
  readonly get: () => T;
  /** What was known before anything was heard: a page rendered on a server is taken over with it. What `get` says, if left out. */
  readonly initial?: () => T;
  /** @returns what ends the watching */
  readonly watch: (watcher: () => void) => () => void;
}

export class Store<T> implements Readable<T> {
  #value: T;
  #initial: T;
  readonly #watchers = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
    this.#initial = initial;
  }

  readonly get = (): T => this.#value;
  readonly initial = (): T => this.#initial;

  /** What is known now is what the page was rendered with. */
  keepAsInitial(): void {
    this.#initial = this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher();
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
}
