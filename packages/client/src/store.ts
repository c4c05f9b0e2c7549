/** A value that can be watched; what React's `useSyncExternalStore` asks of a store. */
export interface Readable<T> {
  readonly get: () => T;
  /** @returns what ends the watching */
  readonly watch: (watcher: () => void) => () => void;
}

export class Store<T> implements Readable<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  readonly get = (): T => this.#value;

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
