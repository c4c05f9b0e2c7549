/**
 * A vote client: what is watched stays up to date, whatever the network does, and a vote ends in the right state. Nothing is
 * opened before something is watched, so a client may be made while a page is rendered on a server.
 */
import { type Activity, watchActivity } from "./activity.js";
import { Api } from "./api.js";
import { BoardBook, type ShownBoard } from "./board-book.js";
import { type Clock, systemClock } from "./clock.js";
import { Connection, type ConnectionState } from "./connection.js";
import { newIdempotencyKey } from "./idempotency-key.js";
import { isOnline, onLeaving, untilOnline } from "./network.js";
import { DEFAULTS, type VoteClientOptions } from "./options.js";
import { OwnVotes, READ_AGAIN_MS } from "./own-votes.js";
import { ProjectBook, type ShownProject } from "./project-book.js";
import { type Counts, clicked, type Vote } from "./project-votes.js";
import { Http, RequestError, type RequestOptions } from "./request.js";
import { type Readable, Store } from "./store.js";
import { type TokenOption, TokenSource } from "./token-source.js";
import { TopicBook } from "./topic-book.js";
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

const DEGRADED_TOLD_MS = 10_000;

type MessageListener<N extends ServerMessageName> = (body: ServerMessages[N]) => void;

export class VoteClient {
  /** How the client hears of changes. */
  readonly connection = new Store<ConnectionState>("idle");
  /** Whether votes go past Redis at the moment, as an answer said within the last ten seconds: they count, and take longer. */
  readonly degraded = new Store(false);
  readonly #tokens: TokenSource;
  readonly #http: Http;
  readonly #api: Api;
  readonly #projects: ProjectBook;
  readonly #boards: BoardBook;
  readonly #topics = new TopicBook();
  readonly #listeners = new Map<ServerMessageName, Set<(body: never) => void>>();
  readonly #wanted: WatchList;
  readonly #sender: VoteSender;
  readonly #connection: Connection;
  readonly #ownVotes: OwnVotes;
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #stopLeaving: () => void;
  #endDegraded: (() => void) | null = null;

  constructor(options: VoteClientOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#activity = options.activity ?? watchActivity(clock, options.inactiveAfterMs ?? DEFAULTS.inactiveAfterMs);
    this.#tokens = new TokenSource(options.token ?? null);
    this.#http = new Http(options.url ?? "", this.#tokens, options.fetch);
    this.#api = new Api(this.#http);
    this.#projects = new ProjectBook(options.display ?? "optimistic", (id) => this.#boards.projectChanged(id));
    this.#boards = new BoardBook(this.#projects);
    this.#wanted = new WatchList(() => this.#connection.wantedChanged());
    this.#ownVotes = new OwnVotes({
      tokens: this.#tokens,
      api: this.#api,
      projects: this.#projects,
      clock,
      isLive: () => this.#isLive,
    });
    this.#sender = this.#createSender(options, clock);
    this.#activity.onReturn(() => this.#lookAgain());
    this.#stopLeaving = onLeaving(() => this.#sender.flush());
    const { realtimeUrls } = options;
    this.#connection = new Connection({
      urls: async () => realtimeUrls ?? this.#api.realtimeUrls(),
      tokens: this.#tokens,
      wanted: this.#wanted,
      clock,
      activity: this.#activity,
      activeMs: options.pollActiveMs ?? DEFAULTS.pollActiveMs,
      inactiveMs: options.pollInactiveMs ?? DEFAULTS.pollInactiveMs,
      state: this.connection,
      onLost: () => this.#ownVotes.forget(),
      asking: () => this.#topics.ask(),
      onReply: (reply, askedAt) => this.#apply(reply, askedAt),
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
    return this.#topics.leaderboard(period);
  }

  /** How a launch day stands: `undefined` until known. */
  launch(date: string): Readable<LaunchStatus | undefined> {
    return this.#topics.launch(date);
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
    for (const project of projects) {
      this.#projects.applyCounts(project.id, project);
      if (this.connection.get() === "idle") this.#projects.shown(project.id).keepAsInitial();
    }
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

  /** Somebody else from now on. Votes not sent yet are dropped; those under way stay the one's who clicked. */
  signIn(token: TokenOption): void {
    this.#sender.forget();
    this.#tokens.replace(token);
    this.#projects.forgetOwnVotes();
    this.#ownVotes.forget();
    this.#connection.reconnect();
  }

  /** Ends everything for good; votes that were clicked are still sent. */
  close(): void {
    this.#sender.close();
    this.#connection.close();
    this.#activity.close();
    this.#stopLeaving();
  }

  get #isLive(): boolean {
    return this.connection.get() === "live";
  }

  #createSender(options: VoteClientOptions, clock: Clock): VoteSender {
    const projects = this.#projects;
    return new VoteSender({
      read: (id) => projects.votes(id),
      write: (id, votes) => projects.setVotes(id, votes),
      cast: async (id, vote, key) => {
        const answer = await this.#api.castVote(id, vote, key);
        this.#tellDegraded(answer.degraded === true);
        return answer;
      },
      onFailed: (id, error) => this.#voteLost(id, error),
      onForgotten: (id) => this.#askOwnVote(id),
      newKey: newIdempotencyKey,
      isOnline,
      online: (deadlineMs) => untilOnline(clock, deadlineMs),
      clock,
      debounceMs: options.debounceMs ?? DEFAULTS.debounceMs,
      minIntervalMs: options.minIntervalMs ?? DEFAULTS.minIntervalMs,
    });
  }

  /** Nobody tells when Redis is back, only the next answer. */
  #tellDegraded(degraded: boolean): void {
    this.#endDegraded?.();
    this.degraded.set(degraded);
    if (degraded) this.#endDegraded = this.#clock.after(DEGRADED_TOLD_MS, () => this.degraded.set(false));
  }

  #apply(
    { projects = {}, boards = {}, launches = {}, leaderboards = {}, unknown = [] }: SubscribeReply,
    askedAt: number,
  ) {
    for (const [id, counts] of Object.entries(projects)) this.#projects.applyCounts(id, counts);
    for (const [id, state] of Object.entries(boards)) this.#boards.applyState(id, state);
    for (const [date, { status }] of Object.entries(launches)) this.#topics.applyLaunch(date, status, askedAt);
    for (const state of Object.values(leaderboards)) this.#topics.applyLeaderboard(state, askedAt);
    for (const id of unknown) {
      if (this.#wanted.has("projects", id)) this.#projects.setMissing(id);
      if (this.#wanted.has("boards", id)) this.#boards.setMissing(id);
    }
    void this.#ownVotes.read(Object.keys(projects));
    for (const id of Object.keys(boards)) void this.#readBoardWhileLive(id);
  }

  #heard<N extends ServerMessageName>(name: N, body: ServerMessages[N]): void {
    const message = { name, body } as Message;
    switch (message.name) {
      case "vote:cast":
      case "vote:removed":
        this.#projects.applyCounts(message.body.id, message.body);
        break;
      case "vote:reconciled":
        if (message.body.reason !== PERIOD_CLOSED) this.#projects.applyCounts(message.body.id, message.body);
        else if (!this.#projects.periodClosed(message.body.id, message.body)) this.#askOwnVote(message.body.id);
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
        this.#topics.applyLeaderboard(message.body);
        break;
      case "launch:finalized":
        this.#topics.applyLaunch(message.body.date, "final");
        break;
      case "notification":
        break;
    }
    for (const listener of this.#listeners.get(name) ?? []) listener(body as never);
  }

  /** A vote that had been answered was taken back. */
  #voteFailed({ id, error }: ServerMessages["vote:failed"]): void {
    this.#voteLost(id, new RequestError(null, { title: "The vote was taken back", detail: error }));
  }

  /** The own vote is what it was before, or nobody knows: the server may have counted what it could not answer. */
  #voteLost(id: string, error: RequestError): void {
    this.#projects.setError(id, error);
    this.#askOwnVote(id);
  }

  #askOwnVote(id: string): void {
    this.#ownVotes.forget([id]);
    void this.#ownVotes.read([id]);
  }

  /** Somebody comes back, and may have voted in another tab or on another device. */
  #lookAgain(): void {
    this.#ownVotes.forget();
    if (!this.#isLive) return;
    void this.#ownVotes.read(this.#wanted.names("projects").filter((id) => this.#projects.votes(id) !== undefined));
    for (const id of this.#wanted.names("boards")) void this.#readBoardWhileLive(id);
  }

  /** Without its name and own votes a board is not shown, so this is tried until it works. */
  async #readBoardWhileLive(id: string): Promise<void> {
    try {
      await this.#readBoard(id);
    } catch {
      this.#clock.after(READ_AGAIN_MS, () => {
        if (this.#isLive && this.#wanted.has("boards", id)) void this.#readBoardWhileLive(id);
      });
    }
  }

  /** The queue with own votes; and once what the board is called. */
  async #readBoard(id: string): Promise<void> {
    try {
      if (!this.#boards.hasInfo(id)) this.#boards.applyInfo(id, await this.#api.boardInfo(id));
      const before = this.#projects.ownVotes();
      const { session } = this.#tokens;
      const state = await this.#api.board(id);
      this.#boards.applyState(id, state);
      const streams = [...state.streams, ...(state.activeStream === null ? [] : [state.activeStream])];
      const own = new Map(streams.map((stream) => [stream.id, stream.userVote]));
      if (this.#tokens.session === session) this.#projects.applyOwnVotes(own, before);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.status === 404) this.#boards.setMissing(id);
    }
  }

  /** Everything that is watched, by asking. @returns whether the server answers */
  async #poll(): Promise<boolean> {
    const askedAt = this.#topics.ask();
    const reads = [
      this.#pollProjects(),
      ...this.#wanted.names("boards").map((id) => this.#readBoard(id)),
      ...this.#wanted.names("launches").map(async (date) => {
        this.#topics.applyLaunch(date, (await this.#api.launch(date)).status, askedAt);
      }),
      ...this.#wanted.names("leaderboards").map(async (period) => {
        this.#topics.applyLeaderboard(await this.#api.leaderboard(period as LeaderboardPeriod), askedAt);
      }),
    ];
    const settled = await Promise.allSettled(reads);
    return settled.every((read) => read.status === "fulfilled" || isRefusal(read.reason));
  }

  async #pollProjects(): Promise<void> {
    const ids = this.#wanted.names("projects");
    const found = await this.#api.projects(ids);
    for (const [id, counts] of found) this.#polled(id, counts);
    for (const id of ids) if (!found.has(id)) this.#projects.setMissing(id);
    await this.#ownVotes.read([...found.keys()]);
  }

  /** Fewer votes than before: a period may have ended, and with it the own vote. */
  #polled(id: string, counts: Counts): void {
    const known = this.#projects.votes(id)?.counts;
    if (known !== undefined && counts.upvotes + counts.downvotes < known.upvotes + known.downvotes) {
      this.#ownVotes.forget([id]);
    }
    this.#projects.applyCounts(id, counts);
  }
}

type Message = { [N in ServerMessageName]: { name: N; body: ServerMessages[N] } }[ServerMessageName];

/** The server did answer: it does not do this, and asking again would not help. */
const isRefusal = (error: unknown): error is RequestError =>
  error instanceof RequestError && error.status !== null && error.status < 500 && ![401, 429].includes(error.status);

/** @see VoteClientOptions */
export const createVoteClient = (options: VoteClientOptions = {}): VoteClient => new VoteClient(options);
