/**
 * The fallback's rules as a property: over random histories it answers, counts and stores as a plain model of a few lines.
 * PostgreSQL's clock decides, so the model takes each answer's time from it.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type VoteType, voteTransition } from "@votesync/core";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import fc from "fast-check";
import { connectPostgres, type PostgresConnection } from "./connection.js";
import { castFallbackVote, type FallbackOutcome } from "./fallback-vote.js";
import { ensureShards } from "./installation-settings.js";
import { createProject } from "./projects.js";
import { readShardEpoch } from "./shard-epoch.js";

const HISTORIES = 100;
const LIMIT = { max: 4, windowMs: 60 };

let database: TestDatabase;
let postgres: PostgresConnection;
let projects = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = connectPostgres({ url: database.url, name: "fallback-vote-test", log: { warn: () => undefined } });
  await ensureShards(postgres.pool, 8);
});
afterAll(async () => {
  await postgres.close();
  await database.drop();
});

const callArbitrary = fc.record({
  user: fc.constantFrom("ann", "bob"),
  vote: fc.constantFrom<VoteType>("up", "down", "none"),
  key: fc.option(fc.constantFrom("k1", "k2"), { freq: 3 }),
});
type Call = typeof callArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** What the fallback promises, without a database. */
class Model {
  readonly votes = new Map<string, VoteType>();
  upvotes = 0;
  downvotes = 0;
  private readonly times = new Map<string, number[]>();
  private readonly keys = new Map<string, { body: VoteType; answer: object }>();

  /** @param nowUs when the database answered */
  cast(call: Call, nowUs: number): object {
    const keyName = `${call.user}|${call.key}`;
    const kept = call.key === null ? undefined : this.keys.get(keyName);
    if (kept !== undefined) {
      return kept.body === call.vote ? { kind: "answer", replayed: true, ...kept.answer } : { kind: "conflict" };
    }
    this.times.set(call.user, [...this.answered(call.user, nowUs), nowUs]);
    const current = this.votes.get(call.user) ?? "none";
    const { action, upvotesDelta, downvotesDelta } = voteTransition(current, call.vote);
    this.upvotes += upvotesDelta;
    this.downvotes += downvotesDelta;
    this.votes.set(call.user, call.vote);
    const answer = { action, upvotes: this.upvotes, downvotes: this.downvotes };
    if (call.key !== null) this.keys.set(keyName, { body: call.vote, answer });
    return { kind: "answer", replayed: false, ...answer };
  }

  answered(user: string, nowUs: number): number[] {
    return (this.times.get(user) ?? []).filter((at) => at > nowUs - LIMIT.windowMs * 1_000);
  }
}

test(`${HISTORIES} random histories past Redis end as the model says: answers, limit, keys, rows, counters`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(callArbitrary, { maxLength: 20 }), checkHistory), { numRuns: HISTORIES });
});

async function checkHistory(history: Call[]): Promise<void> {
  const id = `history:${++projects}`;
  await createProject(postgres.prisma, { id, title: id, url: null, boardId: null, ownerId: "owner" }, new Date());
  const model = new Model();
  let lastVersion = 0;
  let taken = 0;
  const takenBefore = await readFallbackVotes();
  for (const [i, call] of history.entries()) {
    const outcome = await cast(id, `0.${id}-${i}`, call);
    if (outcome.kind === "limited") {
      const times = model.answered(call.user, outcome.nowUs);
      expect(times).toHaveLength(LIMIT.max);
      expect(outcome.resetUs).toBe((times[0] as number) + LIMIT.windowMs * 1_000 - outcome.nowUs);
      continue;
    }
    const nowUs = outcome.kind === "answer" ? outcome.answer.acceptedAtUs : 0;
    const before = model.answered(call.user, nowUs).length;
    expect(simplified(outcome)).toEqual(model.cast(call, nowUs));
    if (outcome.kind !== "answer" || outcome.replayed) continue;
    expect(before).toBeLessThan(LIMIT.max);
    expect(outcome.answer.version).toBeGreaterThan(lastVersion);
    lastVersion = outcome.answer.version;
    taken++;
  }
  await expectSameState(id, model);
  expect((await readFallbackVotes()) - takenBefore).toBe(taken);
}

const readFallbackVotes = async () => (await readShardEpoch(postgres.pool, 0)).fallbackVotes;

function cast(projectId: string, requestId: string, { user, vote, key }: Call): Promise<FallbackOutcome> {
  return castFallbackVote(postgres.pool, {
    requestId,
    shard: 0,
    projectId,
    userId: user,
    voteType: vote,
    limit: LIMIT,
    idempotency: key === null ? undefined : { key, fingerprint: vote },
    redisNowUs: null,
  });
}

function simplified(outcome: FallbackOutcome): object {
  if (outcome.kind !== "answer") return { kind: outcome.kind };
  const { action, upvotes, downvotes } = outcome.answer;
  return { kind: "answer", replayed: outcome.replayed, action, upvotes, downvotes };
}

async function expectSameState(id: string, { votes, upvotes, downvotes }: Model): Promise<void> {
  const counters = await postgres.pool.query("SELECT upvotes, downvotes FROM projects WHERE id = $1", [id]);
  expect(counters.rows).toEqual([{ upvotes, downvotes }]);
  for (const table of ["votes", "vote_events"]) {
    const { rows } = await postgres.pool.query<{ user_id: string; vote_type: VoteType }>(
      `SELECT DISTINCT ON (user_id) user_id, vote_type FROM ${table} WHERE project_id = $1 ORDER BY user_id, version DESC`,
      [id],
    );
    expect(new Map(rows.map((row) => [row.user_id, row.vote_type]))).toEqual(votes);
  }
}
