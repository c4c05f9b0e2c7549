/** From an empty page to one that lists, votes and watches. */
import { RequestError, requestJson } from "./http/request.js";
import { launchDateOf } from "./launch/calendar.js";
import { LaunchDays } from "./launch/launch-days.js";
import { type ConnectionState, LiveCounts } from "./live/live-counts.js";
import { Board } from "./projects/board.js";
import { Session } from "./session/session.js";
import { tokenInHash } from "./session/token.js";
import { Store } from "./store.js";

interface PageConfig {
  realtime_url: string;
  guest: boolean;
}

/** What the components work with. */
export interface Page {
  board: Board;
  session: Session;
  /** On the page of a launch day: its board is `board`. */
  launch: LaunchDays | null;
}

export type BootState = { step: "starting" } | { step: "failed"; error: RequestError } | { step: "ready"; page: Page };

export class Boot {
  readonly state = new Store<BootState>({ step: "starting" });
  readonly connection = new Store<ConnectionState>("reconnecting");

  /** May be called again after a failure. */
  async start(): Promise<void> {
    this.state.set({ step: "starting" });
    this.connection.set("reconnecting");
    try {
      const config = await requestJson<PageConfig>("/config.json");
      this.state.set({ step: "ready", page: await this.#open(config) });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.connection.set("offline");
      this.state.set({ step: "failed", error });
    }
  }

  async #open(config: PageConfig): Promise<Page> {
    const session = new Session(config.guest);
    await session.ensure();
    const date = launchDateOf(location.pathname);
    const launch = date === undefined ? null : new LaunchDays(session, date);
    const board = launch?.board ?? new Board(session);
    this.#goLive(config.realtime_url, { session, board, launch });
    if (launch === null) void board.load("hot");
    else void launch.load();
    launch?.keepFresh();
    return { board, session, launch };
  }

  #goLive(url: string, { session, board, launch }: Page): void {
    const token = () => session.state.get().identity?.token ?? null;
    const live = new LiveCounts({
      url,
      token: token(),
      connection: this.connection,
      onCounts: (id, counts) => board.applyCounts(id, counts),
      onVoteFailed: (id, error) => board.voteFailed(id, error),
      onLaunchDay: (date, status) => launch?.heard(date, status),
      onPeriodClosed: () => launch?.periodClosed(),
    });
    let listed = board.state.get().order;
    board.state.watch(() => {
      const { order } = board.state.get();
      if (order !== listed) live.watch(order);
      listed = order;
    });
    launch?.state.watch(() => live.watchLaunches(launch.watched));
    session.state.watch(() => {
      live.signInAs(token());
      void board.reloadOwnVotes();
    });
  }
}

/** A token put into the address of an open page: browsers do not load the page anew for that. */
export function reloadOnNewToken(): void {
  addEventListener("hashchange", () => {
    if (tokenInHash(location.hash) !== null) location.reload();
  });
}
