/**
 * What the launch page shows: a day with its board to vote on while it is open, and the podium of the day before.
 *
 * That a period has ended, or a day is final, comes over the socket, and then the days are read again: the server's clock
 * says when a day is over, never this device's. Nobody tells of an app that somebody else launches, nor of a midnight on
 * which nothing was launched; so a page that is looked at reads again once a minute too.
 */
import { type LaunchStatus, RequestError, type VoteClient } from "@votesync/client";
import { Store } from "../store.js";
import { dayBefore } from "./calendar.js";
import { type LaunchDay, type NewLaunchApp, readDay, registerApp } from "./launch-api.js";

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
  readonly #client: VoteClient;
  readonly #date: string | null;
  #loading: Promise<void> | null = null;
  #loadAgain = false;

  /** @param date `null`: today, as the server has it */
  constructor(client: VoteClient, date: string | null) {
    this.#client = client;
    this.#date = date;
  }

  /** Asked for while it is under way, it is done once more afterwards, so what is shown is never older than the question. */
  load(): Promise<void> {
    if (this.#loading !== null) this.#loadAgain = true;
    this.#loading ??= this.#loadWhileAsked().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** @returns what ends it */
  keepFresh(): () => void {
    const look = () => {
      if (document.visibilityState === "visible") void this.load();
    };
    void this.load();
    document.addEventListener("visibilitychange", look);
    const timer = setInterval(look, READ_AGAIN_MS);
    const endMessages = this.#client.on("vote:reconciled", ({ reason }) => {
      if (reason === "period-closed") this.#periodClosed();
    });
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
      endMessages();
    };
  }

  /** The server said how a day stands, which may be news: a message may have been missed. */
  heard(date: string, status: LaunchStatus): void {
    const { day, before } = this.state.get();
    const shown = [day, before].find((one) => one?.date === date);
    if (shown && shown.status !== status) void this.load();
  }

  /** @throws {RequestError} */
  async register(app: NewLaunchApp): Promise<void> {
    await registerApp(this.#client, app);
    await this.load();
  }

  /** A period of an app that is listed ended: its day began, or is over. */
  #periodClosed(): void {
    if (this.state.get().day?.status === "open") void this.load();
  }

  async #loadWhileAsked(): Promise<void> {
    do {
      this.#loadAgain = false;
      await this.#read();
    } while (this.#loadAgain);
  }

  async #read(): Promise<void> {
    try {
      const day = await readDay(this.#client, this.#date);
      const begun = await this.#hasBegun(day);
      this.state.update((state) => ({ ...state, day, begun, error: null }));
      await this.#readBefore(dayBefore(day.date));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.state.update((state) => ({ ...state, error }));
    }
  }

  /** Only the server knows which day it is where launch days are counted. */
  async #hasBegun({ date, status }: LaunchDay): Promise<boolean> {
    if (this.#date === null || status !== "open") return true;
    return date <= (await readDay(this.#client, null)).date;
  }

  async #readBefore(date: string): Promise<void> {
    try {
      const before = await readDay(this.#client, date);
      this.state.update((state) => ({ ...state, before, beforeError: null }));
    } catch (beforeError) {
      if (!(beforeError instanceof RequestError)) throw beforeError;
      const known = (state: LaunchState) => (state.before?.date === date ? state.before : null);
      this.state.update((state) => ({ ...state, before: known(state), beforeError }));
    }
  }
}
