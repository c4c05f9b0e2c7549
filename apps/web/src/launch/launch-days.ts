/**
 * What the launch page shows: a day with its board to vote on while it is open, and the podium of the day before.
 *
 * That a period has ended, or a day is final, comes over the socket, and then the days are read again: the server's clock
 * says when a day is over, never this device's. What was heard is read until it is shown: an answer may be lost, or come from a
 * replica whose clock is behind. Nobody tells of an app that somebody else launches, nor of a midnight on which nothing was
 * launched; so a page that is looked at reads again once a minute too.
 */
import { type LaunchStatus, RequestError, type VoteClient } from "@votesync/client";
import { Store } from "../store.js";
import { dayBefore } from "./calendar.js";
import { type LaunchDay, type NewLaunchApp, readDay, registerApp } from "./launch-api.js";

const READ_AGAIN_MS = 60_000;
const CATCH_UP_MS = 2_000;

/** In the order in which they come. */
const STATUSES: readonly LaunchStatus[] = ["open", "closing", "final"];

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
  /** How days stand, as the server last said unasked. */
  readonly #heard = new Map<string, LaunchStatus>();
  #later: ReturnType<typeof setTimeout> | undefined;
  #isKept = false;

  /** @param date `null`: today, as the server has it */
  constructor(client: VoteClient, date: string | null) {
    this.#client = client;
    this.#date = date;
  }

  /** Asked for while it is under way, it is done once more afterwards, so what is shown is never older than the question. */
  load(): Promise<void> {
    if (this.#loading !== null) this.#loadAgain = true;
    this.#loading ??= this.#loadWhileAsked();
    return this.#loading;
  }

  /** @returns what ends it */
  keepFresh(): () => void {
    const look = () => {
      if (document.visibilityState === "visible") void this.load();
    };
    this.#isKept = true;
    void this.load();
    document.addEventListener("visibilitychange", look);
    const timer = setInterval(look, READ_AGAIN_MS);
    const endMessages = this.#client.on("vote:reconciled", ({ reason }) => {
      if (reason === "period-closed") void this.#periodClosed();
    });
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
      clearTimeout(this.#later);
      this.#isKept = false;
      endMessages();
    };
  }

  /** The server said how a day stands, which may be news: a message may have been missed. */
  heard(date: string, status: LaunchStatus): void {
    this.#heard.set(date, status);
    if (this.#isBehind()) void this.#catchUp();
  }

  /** @throws {RequestError} */
  async register(app: NewLaunchApp): Promise<void> {
    await registerApp(this.#client, app);
    await this.load();
  }

  /** A period of an app that is listed ended: its day began, or is over. */
  async #periodClosed(): Promise<void> {
    if (this.state.get().day?.status !== "open") return;
    await this.load();
    if (this.state.get().day?.status === "open") this.#catchUpLater();
  }

  async #catchUp(): Promise<void> {
    await this.load();
    if (this.#isBehind()) this.#catchUpLater();
  }

  #catchUpLater(): void {
    clearTimeout(this.#later);
    if (this.#isKept) this.#later = setTimeout(() => void this.#catchUp(), CATCH_UP_MS);
  }

  #isBehind(): boolean {
    const { day, before } = this.state.get();
    const order = (status: LaunchStatus | undefined) => (status === undefined ? -1 : STATUSES.indexOf(status));
    return [day, before].some((shown) => shown !== null && order(shown.status) < order(this.#heard.get(shown.date)));
  }

  async #loadWhileAsked(): Promise<void> {
    try {
      do {
        this.#loadAgain = false;
        await this.#read();
      } while (this.#loadAgain);
    } finally {
      this.#loading = null;
    }
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
