/**
 * What the launch page shows: a day with its board to vote on while it is open, and the podium of the day before.
 *
 * That a period has ended, or a day is final, comes over the socket, and then the days are read again: the server's clock
 * says when a day is over, never this device's. Nobody tells of an app that somebody else launches, nor of a midnight on
 * which nothing was launched; so a page that is looked at reads again once a minute too.
 */
import { RequestError } from "../http/request.js";
import { Board } from "../projects/board.js";
import type { Session } from "../session/session.js";
import { Store } from "../store.js";
import { dayBefore } from "./calendar.js";
import { type LaunchDay, listApps, type NewLaunchApp, readDay, registerApp } from "./launch-api.js";

const READ_AGAIN_MS = 60_000;

export interface LaunchState {
  /** `null` while it is read for the first time. */
  day: LaunchDay | null;
  /** Whether votes count yet. */
  begun: boolean;
  error: RequestError | null;
  before: LaunchDay | null;
  /** Today can be voted on although the day before cannot be shown. */
  beforeError: RequestError | null;
}

export class LaunchDays {
  readonly state = new Store<LaunchState>({ day: null, begun: true, error: null, before: null, beforeError: null });
  readonly board: Board;
  readonly #session: Session;
  readonly #date: string | null;
  #loading: Promise<void> | null = null;
  #loadAgain = false;
  /** What the board was last read for. */
  #listed = "";

  /** @param date `null`: today, as the server has it */
  constructor(session: Session, date: string | null) {
    this.#session = session;
    this.#date = date;
    this.board = new Board(session, () => listApps(this.state.get().day));
  }

  /** Asked for while it is under way, it is done once more afterwards, so what is shown is never older than the question. */
  load(): Promise<void> {
    if (this.#loading !== null) this.#loadAgain = true;
    this.#loading ??= this.#loadWhileAsked().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** For as long as the page lives. */
  keepFresh(): void {
    const look = () => {
      if (document.visibilityState === "visible") void this.load();
    };
    document.addEventListener("visibilitychange", look);
    setInterval(look, READ_AGAIN_MS);
  }

  /** The server said how a day stands, which may be news: a message may have been missed. */
  heard(date: string, status: LaunchDay["status"]): void {
    const { day, before } = this.state.get();
    const shown = [day, before].find((one) => one?.date === date);
    if (shown && shown.status !== status) void this.load();
  }

  /** A period of an app that is listed ended: its day began, or is over. */
  periodClosed(): void {
    if (this.state.get().day?.status === "open") void this.load();
  }

  /** The days whose end this page wants to hear of. */
  get watched(): string[] {
    const { day, before } = this.state.get();
    return [day, before].flatMap((shown) => (shown === null || shown.status === "final" ? [] : [shown.date]));
  }

  /** @throws {RequestError} */
  async register(app: NewLaunchApp): Promise<void> {
    await this.#session.withToken((token) => registerApp(token, app));
    await this.load();
  }

  async #loadWhileAsked(): Promise<void> {
    do {
      this.#loadAgain = false;
      await this.#read();
    } while (this.#loadAgain);
  }

  async #read(): Promise<void> {
    try {
      const day = await readDay(this.#date);
      const begun = await this.#hasBegun(day);
      this.state.update((state) => ({ ...state, day, begun, error: null }));
      await Promise.all([this.#list(day, begun), this.#readBefore(dayBefore(day.date))]);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.state.update((state) => ({ ...state, error }));
    }
  }

  /** Only the server knows which day it is where launch days are counted. */
  async #hasBegun({ date, status }: LaunchDay): Promise<boolean> {
    if (this.#date === null || status !== "open") return true;
    return date <= (await readDay(null)).date;
  }

  /** Counts come by themselves; the list is read anew when there are other apps to vote on, or other votes to cast. */
  async #list({ date, status, apps }: LaunchDay, begun: boolean): Promise<void> {
    const ids = apps.map(({ appId }) => appId).sort();
    const listed = [date, begun, ...ids].join(" ");
    if (status !== "open" || listed === this.#listed) return;
    this.#listed = listed;
    await this.board.load("hot");
  }

  async #readBefore(date: string): Promise<void> {
    try {
      const before = await readDay(date);
      this.state.update((state) => ({ ...state, before, beforeError: null }));
    } catch (beforeError) {
      if (!(beforeError instanceof RequestError)) throw beforeError;
      const known = (state: LaunchState) => (state.before?.date === date ? state.before : null);
      this.state.update((state) => ({ ...state, before: known(state), beforeError }));
    }
  }
}
