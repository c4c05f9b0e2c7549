/**
 * A vote client: what is watched stays up to date, whatever the network does, and a vote ends in the right state. Nothing is
 * opened before something is watched, so a client may be made while a page is rendered on a server.
 */
import { watchActivity } from "./activity.js";
import { Api } from "./api.js";
import { BoardBook, type ShownBoard } from "./board-book.js";
import { type Clock, systemClock } from "./clock.js";
import { Connection, type ConnectionState } from "./connection.js";
import { newIdempotencyKey } from "./idempotency-key.js";
import { isOnline, untilOnline } from "./network.js";
import { DEFAULTS, type VoteClientOptions } from "./options.js";
import { ProjectBook, type ShownProject } from "./project-book.js";
import { type Counts, clicked, type Vote } from "./project-votes.js";
import { Http, RequestError, type RequestOptions } from "./request.js";
import { type Readable, Store } from "./store.js";
import { type TokenOption, TokenSource } from "./token-source.js";
import { VoteSender } from "./vote-sender.js";
import { WatchList } from "./watch-list.js";
import type {
  LaunchStatus,
  LeaderboardPeriod,
  LeaderboardState,
  ServerMessageName,
  ServerMessages,
  SubscribeReply,
  Watched,
} from "./wire.js";

/** Why counts began anew: a launch opened, or is over. */
const PERIOD_CLOSED = "period-closed";

type MessageListener<N extends ServerMessageName> = (body: ServerMessages[N]) => void;

export class VoteClient {
  /** How the client hears of changes. */
  readonly connection = new Store<ConnectionState>("idle");
  /** Whether votes go past Redis at the moment, as the last answer said: they count, and others see them later. */
  readonly degraded = new Store(false);
  readonly #tokens: TokenSource;
  readonly #http: Http;
  readonly #api: Api;
  readonly #projects: ProjectBook;
  readonly #boards: BoardBook;
  readonly #leaderboards = new Map<LeaderboardPeriod, Store<LeaderboardState | undefined>>();
  readonly #launches = new Map<string, Store<LaunchStatus | undefined>>();
  readonly #listeners = new Map<ServerMessageName, Set<(body: never) => void>>();
  readonly #wanted: WatchList;
  readonly #sender: VoteSender;
  readonly #connection: Connection;
  readonly #ownVotesAsked = new Set<string>();

  constructor(options: VoteClientOptions = {}) {
    const clock: Clock = options.clock ?? systemClock;
    this.#tokens = new TokenSource(options.token ?? null);
    this.#http = new Http(options.url ?? "", this.#tokens, options.fetch);
    this.#api = new Api(this.#http);
    this.#projects = new ProjectBook(options.display ?? "optimistic", (id) => this.#boards.projectChanged(id));
    this.#boards = new BoardBook(this.#projects);
    this.#wanted = new WatchList(() => this.#connection.wantedChanged());
    this.#sender = this.#createSender(options, clock);
    const { realtimeUrls } = options;
    this.#connection = new Connection({
      urls: async () => realtimeUrls ?? this.#api.realtimeUrls(),
      tokens: this.#tokens,
      wanted: this.#wanted,
      clock,
      activity: options.activity ?? watchActivity(clock, options.inactiveAfterMs ?? DEFAULTS.inactiveAfterMs),
      activeMs: options.pollActiveMs ?? DEFAULTS.pollActiveMs,
      inactiveMs: options.pollInactiveMs ?? DEFAULTS.pollInactiveMs,
      state: this.connection,
      onLost: () => this.#ownVotesAsked.clear(),
      onReply: (reply) => this.#apply(reply),
      onMessage: (name, body) => this.#heard(name, body),
      poll: () => this.#poll(),
    });
  }

  /** Keeps these up to date until the returned function is called. */
  watch(watched: Watched): () => void {
    return this.#wanted.add(watched);
  }

  /** Counts and own vote of a project: `undefined` until known, `null` when there is no such project. */
  project(id: string): Readable<ShownProject | null | undefined> {
    return this.#projects.shown(id);
  }

  /** A board's queue: `undefined` until known, `null` when there is no such board. */
  board(id: string): Readable<ShownBoard | null | undefined> {
    return this.#boards.shown(id);
  }

  /** The first ten of a leaderboard: `undefined` until known. */
  leaderboard(period: LeaderboardPeriod): Readable<LeaderboardState | undefined> {
    return storeIn(this.#leaderboards, period);
  }

  /** How a launch day stands: `undefined` until known. */
  launch(date: string): Readable<LaunchStatus | undefined> {
    return storeIn(this.#launches, date);
  }

  /** The user wants this vote on the project; `null` takes it back. */
  vote(projectId: string, vote: Vote | null): void {
    this.#projects.ensure(projectId);
    this.#sender.wish(projectId, vote);
  }

  /** A click on a button: its vote, or none where it is the shown one. */
  click(projectId: string, button: Vote): void {
    const votes = this.#projects.votes(projectId);
    this.vote(projectId, votes === undefined ? button : clicked(votes, button));
  }

  /** Counts that are known already, from a list or from a page rendered on a server; older ones are dropped. */
  prime(projects: readonly (Counts & { id: string })[]): void {
    for (const project of projects) this.#projects.applyCounts(project.id, project);
  }

  /**
   * Any call of the HTTP API, as the client's user.
   * @throws {RequestError} for whatever is no 2xx answer
   */
  request<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.#http.json<T>(path, options);
  }

  /** Told each such message from the server. @returns what ends it */
  on<N extends ServerMessageName>(name: N, listener: MessageListener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as (body: never) => void);
    return () => listeners.delete(listener as (body: never) => void);
  }

  /** Somebody else from now on. */
  signIn(token: TokenOption): void {
    this.#tokens.replace(token);
    this.#projects.forgetOwnVotes();
    this.#ownVotesAsked.clear();
    this.#connection.reconnect();
  }

  /** Ends everything; what is under way goes on. */
  close(): void {
    this.#sender.close();
    this.#connection.close();
  }

  #createSender(options: VoteClientOptions, clock: Clock): VoteSender {
    const projects = this.#projects;
    return new VoteSender({
      read: (id) => projects.votes(id),
      write: (id, votes) => projects.setVotes(id, votes),
      cast: async (id, vote, key) => {
        const answer = await this.#api.castVote(id, vote, key);
        this.degraded.set(answer.degraded === true);
        return answer;
      },
      onFailed: (id, error) => projects.setError(id, error),
      newKey: newIdempotencyKey,
      isOnline,
      online: (deadlineMs) => untilOnline(clock, deadlineMs),
      clock,
      debounceMs: options.debounceMs ?? DEFAULTS.debounceMs,
      minIntervalMs: options.minIntervalMs ?? DEFAULTS.minIntervalMs,
    });
  }

  #apply({ projects = {}, boards = {}, launches = {}, leaderboards = {}, unknown = [] }: SubscribeReply): void {
    for (const [id, counts] of Object.entries(projects)) this.#projects.applyCounts(id, counts);
    for (const [id, state] of Object.entries(boards)) this.#boards.applyState(id, state);
    for (const [date, { status }] of Object.entries(launches)) storeIn(this.#launches, date).set(status);
    for (const [period, state] of Object.entries(leaderboards)) {
      storeIn(this.#leaderboards, period as LeaderboardPeriod).set(state);
    }
    for (const id of unknown) {
      if (this.#wanted.has("projects", id)) this.#projects.setMissing(id);
      if (this.#wanted.has("boards", id)) this.#boards.setMissing(id);
    }
    void this.#readOwnVotes(Object.keys(projects));
    for (const id of Object.keys(boards)) void this.#readBoard(id).catch(() => undefined);
  }

  #heard<N extends ServerMessageName>(name: N, body: ServerMessages[N]): void {
    const message = { name, body } as Message;
    switch (message.name) {
      case "vote:cast":
      case "vote:removed":
        this.#projects.applyCounts(message.body.id, message.body);
        break;
      case "vote:reconciled":
        if (message.body.reason === PERIOD_CLOSED) this.#projects.periodClosed(message.body.id, message.body);
        else this.#projects.applyCounts(message.body.id, message.body);
        break;
      case "vote:failed":
        this.#voteFailed(message.body);
        break;
      case "queue:updated":
        this.#boards.applyQueue(message.body.jamId, message.body.version, message.body.streams);
        break;
      case "stream:active":
        this.#boards.applyActive(message.body.jamId, message.body.version, message.body.activeStream);
        break;
      case "leaderboard:updated":
        storeIn(this.#leaderboards, message.body.period).set(message.body);
        break;
      case "launch:finalized":
        storeIn(this.#launches, message.body.date).set("final");
        break;
      case "notification":
        break;
    }
    for (const listener of this.#listeners.get(name) ?? []) listener(body as never);
  }

  /** A vote that had been answered was taken back: the own vote is what it was before. */
  #voteFailed({ id, error }: ServerMessages["vote:failed"]): void {
    this.#projects.setError(id, new RequestError(null, { title: "The vote was taken back", detail: error }));
    this.#ownVotesAsked.delete(id);
    void this.#readOwnVotes([id]);
  }

  /** Of projects whose own vote nobody has told; a failure is made up for with the next reason to ask. */
  async #readOwnVotes(ids: readonly string[]): Promise<void> {
    const asked = ids.filter((id) => !this.#ownVotesAsked.has(id));
    if (asked.length === 0 || (await this.#tokens.current().catch(() => null)) === null) return;
    for (const id of asked) this.#ownVotesAsked.add(id);
    const before = this.#projects.ownVotes();
    try {
      this.#projects.applyOwnVotes(await this.#api.ownVotes(asked), before);
    } catch {
      for (const id of asked) this.#ownVotesAsked.delete(id);
    }
  }

  /** The queue with own votes; and once what the board is called. */
  async #readBoard(id: string): Promise<void> {
    if (!this.#boards.hasInfo(id)) this.#boards.applyInfo(id, await this.#api.boardInfo(id));
    const before = this.#projects.ownVotes();
    const state = await this.#api.board(id);
    this.#boards.applyState(id, state);
    const streams = [...state.streams, ...(state.activeStream === null ? [] : [state.activeStream])];
    this.#projects.applyOwnVotes(new Map(streams.map((stream) => [stream.id, stream.userVote])), before);
  }

  /** Everything that is watched, by asking. @returns whether the server answers */
  async #poll(): Promise<boolean> {
    const ids = this.#wanted.names("projects");
    const reads = [
      this.#api.projects(ids).then((found) => {
        for (const [id, counts] of found) this.#polled(id, counts);
        for (const id of ids) if (!found.has(id)) this.#projects.setMissing(id);
        return this.#readOwnVotes([...found.keys()]);
      }),
      ...this.#wanted
        .names("boards")
        .map((id) => this.#readBoard(id).catch((error: unknown) => this.#boardUnread(id, error))),
      ...this.#wanted.names("leaderboards").map(async (name) => {
        const period = name as LeaderboardPeriod;
        storeIn(this.#leaderboards, period).set(await this.#api.leaderboard(period));
      }),
    ];
    const settled = await Promise.allSettled(reads);
    return settled.every(({ status }) => status === "fulfilled");
  }

  /** Fewer votes than before: a period may have ended, and with it the own vote. */
  #polled(id: string, counts: Counts): void {
    const known = this.#projects.votes(id)?.counts;
    if (known !== undefined && counts.upvotes + counts.downvotes < known.upvotes + known.downvotes) {
      this.#ownVotesAsked.delete(id);
    }
    this.#projects.applyCounts(id, counts);
  }

  #boardUnread(id: string, error: unknown): void {
    if (!(error instanceof RequestError) || error.status !== 404) throw error;
    this.#boards.setMissing(id);
  }
}

type Message = { [N in ServerMessageName]: { name: N; body: ServerMessages[N] } }[ServerMessageName];

function storeIn<K, V>(stores: Map<K, Store<V | undefined>>, key: K): Store<V | undefined> {
  const store = stores.get(key) ?? new Store<V | undefined>(undefined);
  stores.set(key, store);
  return store;
}

/** @see VoteClientOptions */
export const createVoteClient = (options: VoteClientOptions = {}): VoteClient => new VoteClient(options);
