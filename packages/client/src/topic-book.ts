/**
 * Leaderboards and launch days a client knows of. Neither carries a version, so an answer counts only where nothing has come
 * since its question was asked: neither a message, which is newer or is followed by one that is, nor the answer to a later
 * question. A period that is over never comes back.
 */
import { Store } from "./store.js";
import type { LaunchStatus, LeaderboardPeriod, LeaderboardState } from "./wire.js";

export class TopicBook {
  readonly #leaderboards = new Map<LeaderboardPeriod, Store<LeaderboardState | undefined>>();
  readonly #launches = new Map<string, Store<LaunchStatus | undefined>>();
  readonly #heardAt = new Map<object, number>();
  #moment = 0;

  leaderboard(period: LeaderboardPeriod): Store<LeaderboardState | undefined> {
    return storeIn(this.#leaderboards, period);
  }

  launch(date: string): Store<LaunchStatus | undefined> {
    return storeIn(this.#launches, date);
  }

  /** A question is asked. @returns when, as its answer wants to know it */
  ask(): number {
    return ++this.#moment;
  }

  /** @param askedAt left out of a message */
  applyLeaderboard(state: LeaderboardState, askedAt?: number): void {
    const store = this.leaderboard(state.period);
    // Keys of one period sort as their times do.
    if (state.key >= (store.get()?.key ?? "")) this.#apply(store, state, askedAt);
  }

  /** @param askedAt left out of a message */
  applyLaunch(date: string, status: LaunchStatus, askedAt?: number): void {
    this.#apply(this.launch(date), status, askedAt);
  }

  #apply<T>(store: Store<T | undefined>, value: T, askedAt: number | undefined): void {
    const heardAt = askedAt ?? ++this.#moment;
    if (heardAt < (this.#heardAt.get(store) ?? 0)) return;
    this.#heardAt.set(store, heardAt);
    store.set(value);
  }
}

function storeIn<K, V>(stores: Map<K, Store<V | undefined>>, key: K): Store<V | undefined> {
  const store = stores.get(key) ?? new Store<V | undefined>(undefined);
  stores.set(key, store);
  return store;
}
