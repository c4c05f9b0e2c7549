/**
 * Counts as they change, from the realtime gateway. What is wanted (`watch`) and what this connection is subscribed to
 * are two sets, and one routine makes the second equal to the first: after a connect, a reconnect and a failed call
 * alike. The answer of `subscribe` carries the current counts, so nothing missed meanwhile stays missed.
 */
import { io, type Socket } from "socket.io-client";
import type { Store } from "../store.js";
import type { Counts } from "../votes/project-votes.js";

/** `offline`: nothing came of reconnecting for a while, or the device has no network; it is still tried. */
export type ConnectionState = "live" | "reconnecting" | "offline";

const NAMES_PER_CALL = 200;
/** More than anybody reads; the gateway's own limit is higher. */
const WATCHED_MAX = 1_000;
const CALL_DEADLINE_MS = 5_000;
const RETRY_MS = 2_000;
const OFFLINE_AFTER_MS = 12_000;

type CountsMessage = Counts & { id: string };
type DayStatus = "open" | "closing" | "final";
type Reply =
  | { ok: true; projects?: Record<string, Counts>; launches?: Record<string, { status: DayStatus }> }
  | { ok: false; error: string };
/** What one call names: of one list only. */
type Names = { projects: string[] } | { launches: string[] };

interface ServerEvents {
  "vote:cast": (message: CountsMessage) => void;
  "vote:removed": (message: CountsMessage) => void;
  "vote:reconciled": (message: CountsMessage & { reason?: string }) => void;
  "vote:failed": (message: { id: string; error: string }) => void;
  "launch:finalized": (message: { date: string }) => void;
}
interface ClientEvents {
  subscribe: (names: Names, reply: (reply: Reply) => void) => void;
  unsubscribe: (names: Names, reply: (reply: Reply) => void) => void;
}

interface Call {
  name: keyof ClientEvents;
  list: "projects" | "launches";
  names: string[];
}

export interface LiveCountsOptions {
  url: string;
  token: string | null;
  connection: Store<ConnectionState>;
  onCounts(projectId: string, counts: Counts): void;
  /** A vote of one's own was taken back after it had been answered. */
  onVoteFailed(projectId: string, error: string): void;
  /** How a launch day that is watched stands: when its watching begins, and when it has its result. */
  onLaunchDay(date: string, status: DayStatus): void;
  /** A period of a watched project ended: a launch began, or is over. */
  onPeriodClosed(): void;
}

export class LiveCounts {
  readonly #o: LiveCountsOptions;
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  #token: string | null;
  readonly #watched = { projects: new Set<string>(), launches: new Set<string>() };
  readonly #subscribed = { projects: new Set<string>(), launches: new Set<string>() };
  #catchingUp = false;
  /** The connection stands and its last call was answered. */
  #healthy = false;
  #unhealthySinceMs = Date.now();

  constructor(options: LiveCountsOptions) {
    this.#o = options;
    this.#token = options.token;
    this.#socket = io(options.url, {
      transports: ["websocket"],
      auth: (use) => use(this.#token === null ? {} : { token: this.#token }),
    });
    this.#listen();
  }

  /** The projects to hear of from now on. */
  watch(projectIds: readonly string[]): void {
    this.#watched.projects = new Set(projectIds.slice(0, WATCHED_MAX));
    void this.#catchUp();
  }

  /** The launch days whose end to hear of. */
  watchLaunches(dates: readonly string[]): void {
    this.#watched.launches = new Set(dates);
    void this.#catchUp();
  }

  /** Connects anew as somebody else; `null` watches anonymously. */
  signInAs(token: string | null): void {
    if (token === this.#token) return;
    this.#token = token;
    this.#socket.disconnect().connect();
  }

  #listen(): void {
    const socket = this.#socket;
    const onCounts = (message: CountsMessage) => this.#o.onCounts(message.id, message);
    socket.on("vote:cast", onCounts).on("vote:removed", onCounts).on("vote:reconciled", onCounts);
    socket.on("vote:failed", ({ id, error }) => this.#o.onVoteFailed(id, error));
    socket.on("vote:reconciled", ({ reason }) => {
      if (reason === "period-closed") this.#o.onPeriodClosed();
    });
    socket.on("launch:finalized", ({ date }) => this.#o.onLaunchDay(date, "final"));
    socket.on("connect", () => void this.#catchUp());
    socket.on("disconnect", (reason) => {
      this.#subscribed.projects.clear();
      this.#subscribed.launches.clear();
      this.#setHealthy(false);
      // Closed by the gateway: socket.io leaves coming back to us.
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), RETRY_MS);
    });
    socket.on("connect_error", (error) => {
      this.#setHealthy(false);
      if (!socket.active) this.#refused(error);
    });
    addEventListener("online", () => this.#tell());
    addEventListener("offline", () => this.#tell());
  }

  /** The gateway answered and said no. A token it does not accept must not keep the page from watching. */
  #refused(error: Error & { data?: { status?: number } }): void {
    const badToken = this.#token !== null && (error.data?.status ?? 401) === 401;
    if (badToken) this.#token = null;
    setTimeout(() => this.#socket.connect(), badToken ? 0 : RETRY_MS);
  }

  /** Subscribes to what is wanted and is not subscribed yet, and the reverse. Runs once at a time. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp || !this.#socket.connected) return;
    this.#catchingUp = true;
    try {
      for (let call = this.#nextCall(); call !== null; call = this.#nextCall()) await this.#carryOut(call);
      this.#setHealthy(this.#socket.connected);
    } catch {
      this.#setHealthy(false);
      setTimeout(() => void this.#catchUp(), RETRY_MS);
    } finally {
      this.#catchingUp = false;
    }
  }

  #nextCall(): Call | null {
    for (const list of ["projects", "launches"] as const) {
      const { [list]: subscribed } = this.#subscribed;
      const { [list]: watched } = this.#watched;
      const left = [...subscribed].filter((id) => !watched.has(id));
      if (left.length > 0) return { name: "unsubscribe", list, names: left.slice(0, NAMES_PER_CALL) };
      const missing = [...watched].filter((id) => !subscribed.has(id));
      if (missing.length > 0) return { name: "subscribe", list, names: missing.slice(0, NAMES_PER_CALL) };
    }
    return null;
  }

  async #carryOut({ name, list, names }: Call): Promise<void> {
    const { id } = this.#socket;
    const named = (list === "projects" ? { projects: names } : { launches: names }) satisfies Names;
    const reply: Reply = await this.#socket.timeout(CALL_DEADLINE_MS).emitWithAck(name, named);
    if (!reply.ok) throw new Error(reply.error);
    // An answer to the connection before this one says nothing about this one.
    if (this.#socket.id !== id) throw new Error("the connection changed");
    for (const one of names) {
      if (name === "subscribe") this.#subscribed[list].add(one);
      else this.#subscribed[list].delete(one);
    }
    for (const [project, counts] of Object.entries(reply.projects ?? {})) this.#o.onCounts(project, counts);
    for (const [date, { status }] of Object.entries(reply.launches ?? {})) this.#o.onLaunchDay(date, status);
  }

  #setHealthy(healthy: boolean): void {
    if (healthy !== this.#healthy) this.#unhealthySinceMs = Date.now();
    this.#healthy = healthy;
    this.#tell();
    if (!healthy) setTimeout(() => this.#tell(), OFFLINE_AFTER_MS);
  }

  #tell(): void {
    this.#o.connection.set(this.#state());
  }

  #state(): ConnectionState {
    if (!navigator.onLine) return "offline";
    if (this.#healthy) return "live";
    return Date.now() - this.#unhealthySinceMs >= OFFLINE_AFTER_MS ? "offline" : "reconnecting";
  }
}
