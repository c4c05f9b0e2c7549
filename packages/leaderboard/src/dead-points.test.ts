/** Votes that PostgreSQL could not store, or that went past Redis: in the end points are the votes that stand, whatever happened in between. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { parseEvent, type VoteType } from "@votesync/core";
import {
  applyEvents,
  buryEntry,
  castFallbackVote,
  countPoints,
  createProject,
  findDueEntries,
  findUnsettledLetters,
  readLastId,
  votesSettled,
} from "@votesync/postgres-store";
import { FallbackRecovery, ProjectLoader, withdrawDeadVote } from "@votesync/reconcile";
import { castVote, holdProject, readEvents } from "@votesync/redis-store";
import fc from "fast-check";
import { TestBoards } from "./boards.testing.js";
import { PointsReader } from "./points-reader.js";

const PROJECT = "p";
const FAR = new Date("2999-01-01T00:00:00Z");

let boards: TestBoards;
let loader: ProjectLoader;
let requests = 0;
const doomed = new Set<string>();
beforeEach(begin);
afterEach(() => boards.remove());

async function begin(): Promise<void> {
  boards = await TestBoards.create();
  boards.nowMs = Date.now();
  loader = new ProjectLoader(boards);
  const project = { id: PROJECT, title: "P", url: null, boardId: null, ownerId: "owner" };
  await createProject(boards.postgres.prisma, project, new Date());
}

async function cast(userId: string, voteType: VoteType, isDoomed: boolean): Promise<void> {
  const requestId = `${boards.names.shardOf(PROJECT)}.${++requests}`;
  if (isDoomed) doomed.add(requestId);
  const deadlineUs = Number.MAX_SAFE_INTEGER;
  const vote = { requestId, projectId: PROJECT, userId, voteType, deadlineUs, limit: { max: 0, windowMs: 1 } };
  const outcome = await castVote(boards.redis, boards.names, vote);
  if (outcome.kind !== "absent") return;
  // Rows are read once everything that was cast is among them or has failed.
  await apply();
  await loader.load(PROJECT, outcome);
  await castVote(boards.redis, boards.names, vote);
}

/** What the shard's worker does; what is doomed is parked. */
async function apply(): Promise<void> {
  const { pool, names } = boards;
  const shard = names.shardOf(PROJECT);
  const fromId = await readLastId(pool, shard);
  const entries = await readEvents(boards.redis, names, { shard, afterId: fromId, count: 10_000 });
  const toId = entries.at(-1)?.id;
  if (toId === undefined) return;
  const all = entries.map(({ id, fields, wire }) => ({ streamId: id, fields, event: parseEvent(wire) }));
  const fails = ({ event }: (typeof all)[number]) => event.kind === "vote" && doomed.has(event.requestId);
  const failed = all.filter(fails).map((one) => ({ ...one, error: "refused" }));
  await applyEvents(pool, {
    shard,
    fromId,
    toId,
    events: all.filter((one) => !fails(one)),
    failed,
    retryAt: new Date(),
  });
}

/** What failed is given up, and each letter settled. */
async function settle(): Promise<void> {
  await apply();
  const { pool, names } = boards;
  const shards = names.allShards();
  for (const entry of await findDueEntries(pool, { shards, now: FAR, limit: 1_000 }))
    await buryEntry(pool, entry, "no");
  for (const letter of await findUnsettledLetters(pool, { shards, limit: 1_000 })) {
    // Killed before it was settled, a worker does it again.
    await withdrawDeadVote(boards, letter);
    await withdrawDeadVote(boards, letter);
  }
}

async function expectPointsOfStandingVotes(): Promise<void> {
  await settle();
  await apply();
  const reader = new PointsReader(boards, { zone: "UTC", points: { up: 1, down: -3, none: 0 } });
  for (const shard of boards.names.allShards()) while ((await reader.readOnce(shard)).more);
  const { rows } = await boards.pool.query<{ points: number }>(
    `SELECT coalesce(sum(CASE vote_type WHEN 'up' THEN 1 WHEN 'down' THEN -3 ELSE 0 END), 0)::int AS points
       FROM votes WHERE project_id = $1`,
    [PROJECT],
  );
  for (const board of boards.boards) {
    expect((await boards.inRedis(board)).owner ?? 0).toBe(rows[0]?.points);
  }
}

const hold = () => holdProject(boards.redis, boards.names, { projectId: PROJECT, reason: "redis-drift" });

test("the point of a vote that became a dead letter is taken back", async () => {
  await cast("ann", "up", false);
  await cast("bob", "up", true);
  await expectPointsOfStandingVotes();
});

test("it is taken back too when Redis has read the rows meanwhile, and when the voter votes anew afterwards", async () => {
  await cast("bob", "up", true);
  await hold();
  await cast("ann", "up", false);
  await settle();
  await cast("bob", "up", false);
  await expectPointsOfStandingVotes();
});

test("a dead vote that was voted over has given its point back already", async () => {
  await cast("bob", "up", true);
  await cast("bob", "down", false);
  await expectPointsOfStandingVotes();
});

test("boards are not counted anew while a vote waits for its retry or its withdrawal: its point is on its way", async () => {
  const { pool } = boards;
  const count = (settledAt: Date) =>
    countPoints(pool, {
      spans: [],
      points: { up: 1, down: 0, none: 0 },
      settledAt,
      timeoutMs: 5_000,
      pageSize: 100,
      onPage: async () => undefined,
    });
  await cast("bob", "up", true);
  await apply();
  const before = await votesSettled(pool);
  expect(before.settled).toBe(false);
  await expect(count(before.at)).rejects.toThrow("being dealt with");
  await settle();
  await expect(count(before.at)).rejects.toThrow("being dealt with");
  const after = await votesSettled(pool);
  expect(after.settled).toBe(true);
  await count(after.at);
  await apply();
  await boards.restore();
  await expectPointsOfStandingVotes();
});

test("a vote that went past Redis while an event of its voter still waited is one point, not two", async () => {
  await cast("bob", "up", false);
  const shard = boards.names.shardOf(PROJECT);
  const vote = { requestId: `${shard}.past`, shard, projectId: PROJECT, userId: "bob", voteType: "up" as const };
  const limit = { max: 0, windowMs: 1 };
  await castFallbackVote(boards.pool, { ...vote, limit, idempotency: undefined, redisNowUs: Date.now() * 1_000 });
  await apply();
  expect(await new FallbackRecovery(boards, loader).recover({ projectId: PROJECT, shard })).toBe(true);
  await expectPointsOfStandingVotes();
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("cast" as const),
      user: fc.constantFrom("ann", "bob"),
      vote: fc.constantFrom<VoteType>("up", "down", "none"),
      doomed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hold" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
);

test("over random histories of votes that fail or not, points are the votes that stand", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (history) => {
      await boards.remove();
      await begin();
      for (const one of history) {
        if (one.kind === "cast") await cast(one.user, one.vote, one.doomed);
        else if (one.kind === "hold") await hold();
        else await settle();
      }
      await expectPointsOfStandingVotes();
    }),
    { numRuns: 15 },
  );
}, 120_000);
