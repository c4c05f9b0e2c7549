/**
 * Leaderboards and launch days a client knows of. Neither carries a version, so an answer counts only where no message came
 * since its question was asked: the message is newer, or another one follows it. A period that is over never comes back.
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

  /** Now, as the answer to a question wants to know it. */
  get moment(): number {
    return this.#moment;
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
    if (askedAt === undefined) this.#heardAt.set(store, ++this.#moment);
    else if (askedAt < (this.#heardAt.get(store) ?? 0)) return;
    store.set(value);
  }
}

function storeIn<K, V>(stores: Map<K, Store<V | undefined>>, key: K): Store<V | undefined> {
  const store = stores.get(key) ?? new Store<V | undefined>(undefined);
  stores.set(key, store);
  return store;
}
