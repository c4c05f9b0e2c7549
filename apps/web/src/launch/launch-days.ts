/**
 * What the launch page shows: a day with its board to vote on while it is open, and the podium of the day before. When the
 * server says that a day is final, it is read again.
 */
import { RequestError } from "../http/request.js";
import { Board } from "../projects/board.js";
import type { Session } from "../session/session.js";
import { Store } from "../store.js";
import { dayBefore } from "./calendar.js";
import { type LaunchDay, listApps, readDay, registerApp } from "./launch-api.js";

export interface LaunchState {
  /** `null` while it is read for the first time. */
  day: LaunchDay | null;
  before: LaunchDay | null;
  error: RequestError | null;
}

export class LaunchDays {
  readonly state = new Store<LaunchState>({ day: null, before: null, error: null });
  readonly board: Board;
  readonly #session: Session;
  readonly #date: string | null;

  /** @param date `null`: today, as the server has it */
  constructor(session: Session, date: string | null) {
    this.#session = session;
    this.#date = date;
    this.board = new Board(session, () => listApps(date));
  }

  async load(): Promise<void> {
    try {
      const day = await readDay(this.#date);
      this.state.set({ day, before: this.state.get().before, error: null });
      const before = await readDay(dayBefore(day.date));
      this.state.update((state) => ({ ...state, before }));
      if (day.status === "open") await this.board.load("hot");
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.state.update((state) => ({ ...state, error }));
    }
  }

  /** The days whose end this page wants to hear of. */
  get watched(): string[] {
    const { day, before } = this.state.get();
    return [day, before].flatMap((shown) => (shown === null || shown.status === "final" ? [] : [shown.date]));
  }

  /** @throws {RequestError} */
  async register(app: { name: string; launchDate: string }): Promise<void> {
    await this.#session.withToken((token) => registerApp(token, app));
    await this.load();
  }
}
