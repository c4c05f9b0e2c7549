/**
 * Boards against a model of ten lines: random histories of votes, some put on the board late or never, of streams that come and
 * are played, and of a Redis that forgets the board in between. Whatever happened, a read shows the model, and a board that
 * looks different has a greater version.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type JamState, type ProjectCounts, RedisNames, type VoteType } from "@votesync/core";
import {
  type BoardStreams,
  connectPostgres,
  createBoard,
  createStream,
  type PostgresConnection,
  readBoardStreams,
} from "@votesync/postgres-store";
import {
  type CastOutcome,
  castVote,
  connectRedis,
  loadJam,
  loadProject,
  NEVER_LOADED,
  putStream,
  type RedisConnection,
  readCounts,
} from "@votesync/redis-store";
import { createTestDatabase, type TestDatabase, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import fc from "fast-check";
import { JamQueues } from "./jam-queues.js";
import { playNext } from "./play-next.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const USERS = ["ann", "bob", "cem"];
const MAX_STREAMS = 6;

let database: TestDatabase;
let postgres: PostgresConnection;
let redis: RedisConnection;
let names: RedisNames;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "jam-test", log: SILENT });
  redis = connectRedis({ url: testRedisUrl(), name: "jam-test", log: SILENT });
  await waitFor("redis", () => redis.client.status === "ready");
  names = new RedisNames(8, uniqueName("jam"));
});
afterAll(async () => {
  await redis.close();
  await postgres.close();
  await database.drop();
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("vote" as const), ...votes() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("vote that dies" as const), ...votes() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("votes at once" as const), ...votes() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("vote that comes late" as const), ...votes() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("load that comes late" as const), ...votes() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("add" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("next" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function votes() {
  return {
    user: fc.constantFrom(...USERS),
    stream: fc.nat({ max: MAX_STREAMS - 1 }),
    wish: fc.constantFrom<VoteType>("up", "down", "none"),
  };
}

/** What everybody should see: streams in the order they came, who voted what, which was played. */
class Model {
  readonly streams: string[] = [];
  readonly played = new Set<string>();
  active: string | null = null;
  private readonly wishes = new Map<string, Map<string, VoteType>>();

  vote(id: string, user: string, wish: VoteType): void {
    this.wishes.set(id, (this.wishes.get(id) ?? new Map()).set(user, wish));
  }

  votes(id: string): number {
    const value = { up: 1, down: -1, none: 0 };
    return [...(this.wishes.get(id)?.values() ?? [])].reduce((sum, wish) => sum + value[wish], 0);
  }

  get queue(): string[] {
    const waiting = this.streams.filter((id) => !this.played.has(id));
    return waiting.sort((a, b) => this.votes(b) - this.votes(a) || this.streams.indexOf(a) - this.streams.indexOf(b));
  }

  next(): void {
    this.active = this.queue[0] ?? null;
    if (this.active !== null) this.played.add(this.active);
  }

  shown() {
    const shown = (id: string) => `${id} ${this.votes(id)}`;
    return { active: this.active === null ? null : shown(this.active), queue: this.queue.map(shown) };
  }
}

const seen = ({ activeStream, streams }: JamState) => {
  const shown = ({ id, votes }: { id: string; votes: number }) => `${id} ${votes}`;
  return { active: activeStream === null ? null : shown(activeStream), queue: streams.map(shown) };
};

let boards = 0;

class History {
  readonly boardId = `board:${++boards}`;
  readonly model = new Model();
  /** Two replicas. */
  private readonly replicas = [0, 1].map(
    () => new JamQueues({ redis: redis.client, names, pool: postgres.pool }, () => true),
  );
  private requests = 0;
  private last: JamState | null = null;

  async run(steps: readonly Step[]): Promise<void> {
    await createBoard(postgres.pool, { id: this.boardId, title: "T", mode: "optimistic", ownerId: "host" });
    for (const one of steps) {
      await this.take(one);
      await this.check(one.do === "vote that dies");
    }
  }

  private async take(one: Step): Promise<void> {
    if (one.do === "add") return this.add();
    if (one.do === "forget") return void (await redis.client.del(names.jamQueue(this.boardId)));
    if (one.do === "next") {
      const queues = this.replicas[0] as JamQueues;
      expect(await playNext({ pool: postgres.pool, queues }, { boardId: this.boardId })).toMatchObject({
        kind: "played",
      });
      return this.model.next();
    }
    const id = this.model.streams[one.stream];
    if (id === undefined) return;
    if (one.do === "votes at once") {
      await Promise.all([
        ...USERS.map((user) => this.vote(id, user, one.wish)),
        ...this.replicas.map((r) => r.read(this.boardId)),
      ]);
      return;
    }
    if (one.do === "vote that comes late") return this.voteLate(id, one.user, one.wish);
    if (one.do === "load that comes late") return this.loadLate(id, one.user, one.wish);
    await this.vote(id, one.user, one.wish, one.do === "vote");
  }

  /** Another vote was cast after it, and put before it. */
  private async voteLate(id: string, user: string, wish: VoteType): Promise<void> {
    const counts = await this.vote(id, user, wish, false);
    await this.vote(id, USERS.find((other) => other !== user) as string, wish);
    await putStream(redis.client, names, { boardId: this.boardId, streamId: id, counts, action: null });
  }

  /** Somebody read the board, a vote came, and what was read is written. */
  private async loadLate(id: string, user: string, wish: VoteType): Promise<void> {
    const rows = (await readBoardStreams(postgres.pool, this.boardId)) as BoardStreams;
    const counts = await readCounts(redis.client, names, [...rows.counts.keys()]);
    await this.vote(id, user, wish);
    const streams = { active: rows.active, queue: rows.queue };
    await loadJam(redis.client, names, { boardId: this.boardId, structure: rows.structure, streams, counts });
  }

  private async add(): Promise<void> {
    if (this.model.streams.length === MAX_STREAMS) return;
    const id = `${this.boardId}:${this.model.streams.length}`;
    const stream = { id, title: id, url: null, ownerId: "host", boardId: this.boardId };
    const now = new Date(Date.now() + this.model.streams.length);
    expect(await createStream(postgres.pool, stream, { needsBoard: true, now })).toMatchObject({ kind: "created" });
    const cold = { id, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [], boardId: this.boardId };
    await loadProject(redis.client, names, cold, NEVER_LOADED);
    this.model.streams.push(id);
  }

  private async vote(id: string, user: string, wish: VoteType, isPut = true): Promise<ProjectCounts> {
    const requestId = `${names.shardOf(id)}.${this.boardId}-${++this.requests}`;
    const cast = { requestId, projectId: id, userId: user, voteType: wish };
    const unlimited = { deadlineUs: Number.MAX_SAFE_INTEGER, limit: { max: 0, windowMs: 1 } };
    const outcome: CastOutcome = await castVote(redis.client, names, { ...cast, ...unlimited });
    if (outcome.kind !== "answer") throw new Error(outcome.kind);
    expect(outcome.boardId).toBe(this.boardId);
    this.model.vote(id, user, wish);
    const counts = outcome.answer;
    if (isPut) await putStream(redis.client, names, { boardId: this.boardId, streamId: id, counts, action: null });
    return counts;
  }

  /** A vote that was never answered need only show when everything is read anew. */
  private async check(fresh: boolean): Promise<void> {
    for (const replica of this.replicas) {
      const { state } = (await replica.read(this.boardId, { fresh })) as { state: JamState };
      expect(seen(state)).toEqual(this.model.shown());
      const { last } = this;
      if (last !== null) {
        const isSame = JSON.stringify(seen(last)) === JSON.stringify(seen(state));
        expect(state.version).toBeGreaterThanOrEqual(isSame ? last.version : last.version + 1);
      }
      this.last = state;
    }
  }
}

test("whatever happens to a board, everybody sees the same, and nobody an older one", async () => {
  const history = fc.array(step, { minLength: 10, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(history, (steps) => new History().run([{ do: "add" }, { do: "add" }, ...steps])),
    { numRuns: 40 },
  );
}, 120_000);
