/**
 * The connection to the gateways. What is wanted and what this connection is subscribed to are two sets, and one routine makes
 * the second equal to the first: after a connect, a reconnect and a failed call alike. The answer of `subscribe` carries how
 * things stand, so nothing missed meanwhile stays missed.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> Connecting: start()
 *   Connecting --> Connected
 *   Connecting --> Waiting: refused or no answer, the next address
 *   Connected --> Waiting: lost, the next address
 *   Connected --> Connecting: the token ran out and there is another
 *   Waiting --> Connecting: the sooner, the fewer addresses failed
 * ```
 */
import { io, type Socket } from "socket.io-client";
import type { Clock } from "./clock.js";
import type { TokenSource } from "./token-source.js";
import type { WatchList } from "./watch-list.js";
import {
  type Reply,
  SERVER_MESSAGES,
  type ServerMessageName,
  type ServerMessages,
  type SubscribeReply,
  WATCHED_LISTS,
  type WatchedList,
} from "./wire.js";

const NAMES_PER_CALL = 200;
const CONNECT_DEADLINE_MS = 5_000;
const CALL_DEADLINE_MS = 5_000;
const CALL_AGAIN_MS = 2_000;
const TOKEN_AGAIN_MS = 5_000;
/** What nobody has made yet may be made. */
const UNKNOWN_AGAIN_MS = 10_000;
/** The first try at another address comes at a random moment within this, so that not all come at once. */
const MOVE_WITHIN_MS = 300;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 5_000;

export interface RealtimeDeps {
  /** Addresses of gateways, in the order to try them. */
  urls: () => Promise<readonly string[]>;
  tokens: TokenSource;
  wanted: WatchList;
  clock: Clock;
  /** 0–1 */
  random: () => number;
  onConnected: (connected: boolean) => void;
  /** A question is asked. @returns when, as `onReply` wants to know it */
  asking: () => number;
  onReply: (reply: SubscribeReply, askedAt: number) => void;
  onMessage: <N extends ServerMessageName>(name: N, body: ServerMessages[N]) => void;
}

interface Call {
  name: "subscribe" | "unsubscribe";
  list: WatchedList;
  names: string[];
}

export class Realtime {
  readonly #deps: RealtimeDeps;
  readonly #subscribed = new Map<WatchedList, Set<string>>(WATCHED_LISTS.map((list) => [list, new Set()]));
  #socket: Socket | null = null;
  #address = 0;
  #failures = 0;
  #cancelConnect: (() => void) | null = null;
  #catchingUp = false;
  #started = false;

  constructor(deps: RealtimeDeps) {
    this.#deps = deps;
  }

  /** Twice is fine. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#connect();
  }

  stop(): void {
    this.#started = false;
    this.#drop();
  }

  /** Connects anew, as somebody else. */
  reconnect(): void {
    if (!this.#started) return;
    this.#drop();
    void this.#connect();
  }

  /** What is wanted has changed. */
  catchUp(): void {
    void this.#catchUp();
  }

  #drop(): void {
    this.#cancelConnect?.();
    this.#cancelConnect = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.removeAllListeners().disconnect();
    this.#forget();
  }

  #forget(): void {
    for (const names of this.#subscribed.values()) names.clear();
    this.#deps.onConnected(false);
  }

  async #connect(): Promise<void> {
    const urls = await this.#deps.urls().catch(() => []);
    if (!this.#started || this.#socket !== null) return;
    const url = urls[this.#address % Math.max(1, urls.length)];
    if (url === undefined) return this.#connectLater(1);
    const { tokens } = this.#deps;
    let used: string | null = null;
    const socket = io(url, {
      transports: ["websocket"],
      // Its own reconnecting knows one address only.
      reconnection: false,
      forceNew: true,
      timeout: CONNECT_DEADLINE_MS,
      auth: (use) => {
        tokens.current().then(
          (token) => {
            used = token;
            use(token === null ? {} : { token });
          },
          () => use({}),
        );
      },
    });
    this.#socket = socket;
    socket.on("token:expired", () => {
      if (used !== null) void this.#renewToken(socket, used);
    });
    this.#listen(socket, urls.length);
  }

  #listen(socket: Socket, addresses: number): void {
    socket.on("connect", () => {
      this.#failures = 0;
      void this.#catchUp();
    });
    const lost = () => {
      if (this.#socket !== socket) return;
      this.#drop();
      this.#address++;
      this.#connectLater(addresses);
    };
    socket.on("disconnect", lost);
    socket.on("connect_error", (error: Error & { data?: { status?: number } }) => {
      if (error.data?.status === 401) void this.#tokenRefused().then(lost);
      else lost();
    });
    for (const name of SERVER_MESSAGES) {
      socket.on(name, (body: unknown) => this.#deps.onMessage(name, body as never));
    }
  }

  /** A token the gateway does not take must not keep the page from watching. */
  async #tokenRefused(): Promise<void> {
    const { tokens } = this.#deps;
    const token = await tokens.current().catch(() => null);
    if (token !== null) await tokens.refused(token).catch(() => null);
  }

  /** The connection goes on as nobody's; with another token it is made anew. */
  async #renewToken(socket: Socket, expired: string): Promise<void> {
    const { tokens, clock, random } = this.#deps;
    try {
      if ((await tokens.refused(expired)) === null) return;
      clock.after(random() * MOVE_WITHIN_MS, () => {
        if (this.#socket === socket) this.reconnect();
      });
    } catch {
      clock.after(TOKEN_AGAIN_MS, () => {
        if (this.#socket === socket) void this.#renewToken(socket, expired);
      });
    }
  }

  #connectLater(addresses: number): void {
    const rounds = Math.floor(this.#failures++ / Math.max(1, addresses));
    const backoffMs = rounds === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (rounds - 1));
    const waitMs = backoffMs + this.#deps.random() * MOVE_WITHIN_MS;
    this.#cancelConnect = this.#deps.clock.after(waitMs, () => void this.#connect());
  }

  /** Subscribes to what is wanted and is not subscribed yet, and the reverse. Runs once at a time. */
  async #catchUp(): Promise<void> {
    const socket = this.#socket;
    if (this.#catchingUp || socket?.connected !== true) return;
    this.#catchingUp = true;
    try {
      for (let call = this.#nextCall(); call !== null; call = this.#nextCall()) await this.#carryOut(socket, call);
      this.#deps.onConnected(socket.connected && this.#socket === socket);
    } catch {
      this.#deps.clock.after(CALL_AGAIN_MS, () => void this.#catchUp());
    } finally {
      this.#catchingUp = false;
      // Another connection, and nobody subscribed on it.
      if (this.#socket !== socket) void this.#catchUp();
    }
  }

  #nextCall(): Call | null {
    for (const list of WATCHED_LISTS) {
      const subscribed = this.#subscribed.get(list) as Set<string>;
      const left = [...subscribed].filter((name) => !this.#deps.wanted.has(list, name));
      if (left.length > 0) return { name: "unsubscribe", list, names: left.slice(0, NAMES_PER_CALL) };
      const missing = this.#deps.wanted.names(list).filter((name) => !subscribed.has(name));
      if (missing.length > 0) return { name: "subscribe", list, names: missing.slice(0, NAMES_PER_CALL) };
    }
    return null;
  }

  async #carryOut(socket: Socket, { name, list, names }: Call): Promise<void> {
    const askedAt = this.#deps.asking();
    const reply: Reply = await socket.timeout(CALL_DEADLINE_MS).emitWithAck(name, { [list]: names });
    // An answer to the connection before this one says nothing about this one.
    if (this.#socket !== socket) throw new Error("the connection changed");
    if (!reply.ok) throw new Error(reply.error);
    const subscribed = this.#subscribed.get(list) as Set<string>;
    for (const one of names) {
      if (name === "subscribe") subscribed.add(one);
      else subscribed.delete(one);
    }
    if (name === "unsubscribe") return;
    this.#deps.onReply(reply, askedAt);
    const { unknown = [] } = reply;
    if (unknown.length > 0) this.#deps.clock.after(UNKNOWN_AGAIN_MS, () => this.#askAgain(socket, subscribed, unknown));
  }

  #askAgain(socket: Socket, subscribed: Set<string>, names: readonly string[]): void {
    if (this.#socket !== socket) return;
    for (const one of names) subscribed.delete(one);
    this.catchUp();
  }
}
