/** From votes to points, exactly once: whoever reads, however often, and wherever votes are taken back. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Board, boardName, boardsAt, EVENT_FIELD, type VoteType, voteWire } from "@votesync/core";
import { createProject, deleteOldMoves } from "@votesync/postgres-store";
import fc from "fast-check";
import { NOON, TestBoards } from "./boards.testing.js";
import { PointsReader } from "./points-reader.js";
import { readLeaderboard, readOwnPlaces } from "./read-board.js";
import { BoardsBehindError } from "./sync-errors.js";

const POINTS = { up: 1, down: 0, none: 0 };
const DAY_MS = 86_400_000;

let boards: TestBoards;
beforeEach(async () => {
  boards = await TestBoards.create();
  for (const id of ["p1", "p2"]) {
    const project = { id, title: id, url: null, boardId: null, ownerId: `owner of ${id}` };
    await createProject(boards.postgres.prisma, project, new Date());
  }
});
afterEach(() => boards.remove());

interface Cast {
  project: string;
  user: string;
  vote: VoteType;
  atMs: number;
}

let count = 0;

/** The stream as casts leave it; each event knows the vote it replaces, and when that was given. */
class Casts {
  readonly votes = new Map<string, { vote: VoteType; atMs: number }>();

  async cast({ project, user, vote, atMs }: Cast): Promise<void> {
    const id = `${project} ${user}`;
    const before = this.votes.get(id) ?? { vote: "none", atMs: 0 };
    if (before.vote === vote) return;
    this.votes.set(id, { vote, atMs });
    const wire = voteWire({
      kind: "vote",
      requestId: `0.${++count}`,
      projectId: project,
      period: 0,
      userId: user,
      action: vote === "none" ? "removed" : before.vote === "none" ? "created" : "changed",
      voteType: vote,
      previousVoteType: before.vote,
      previousAtUs: before.vote === "none" ? 0 : before.atMs * 1_000,
      version: count,
      stamp: count,
      upvotes: 1,
      downvotes: 0,
      acceptedAtUs: atMs * 1_000,
      idempotency: null,
    });
    await boards.redis.xadd(boards.names.events(boards.names.shardOf(project)), "*", EVENT_FIELD, wire);
  }

  /** What each board must say: of every vote that stands, a point at the time it was given. */
  expected(): Map<string, Record<string, number>> {
    const points = new Map<string, Record<string, number>>();
    for (const [id, { vote, atMs }] of this.votes) {
      if (vote !== "up") continue;
      for (const board of boardsAt(atMs, "UTC")) {
        const ofBoard = points.get(boardName(board)) ?? {};
        const owner = `owner of ${id.split(" ")[0]}`;
        ofBoard[owner] = (ofBoard[owner] ?? 0) + 1;
        points.set(boardName(board), ofBoard);
      }
    }
    return points;
  }
}

const reader = () => new PointsReader(boards, { zone: "UTC", points: POINTS });

async function readAll(one: PointsReader): Promise<void> {
  while ((await one.readOnce()).more);
}

/** Empty stores. */
async function reset(): Promise<void> {
  await boards.wipe();
  await boards.redis.unlink(...boards.names.allShards().map((shard) => boards.names.events(shard)));
  await boards.pool.query("DELETE FROM votes");
  await boards.pool.query("DELETE FROM point_moves");
  await boards.pool.query("UPDATE shard_progress SET last_id = '0-0'");
}

async function expectPoints(casts: Casts): Promise<void> {
  const found = await boards.redis.smembers(boards.names.boardNames());
  const expected = casts.expected();
  for (const name of new Set([...found, ...expected.keys()])) {
    const [period, key] = name.split(":") as ["daily", string];
    expect({ name, points: await boards.inRedis({ period, key }) }).toEqual({ name, points: expected.get(name) ?? {} });
  }
}

test("owners get a point for an up-vote, which is taken back from where it was given", async () => {
  const casts = new Casts();
  await casts.cast({ project: "p1", user: "ann", vote: "up", atMs: NOON });
  await casts.cast({ project: "p1", user: "bob", vote: "up", atMs: NOON });
  await casts.cast({ project: "p2", user: "ann", vote: "down", atMs: NOON });
  await casts.cast({ project: "nobodys", user: "ann", vote: "up", atMs: NOON });
  await boards.applyAll();
  await readAll(reader());
  expect(
    await readLeaderboard(boards, { board: { period: "daily", key: "2026-11-23" }, offset: 0, limit: 10 }),
  ).toEqual({
    period: "daily",
    key: "2026-11-23",
    total: 1,
    entries: [{ rank: 1, user_id: "owner of p1", points: 2 }],
  });
  await casts.cast({ project: "p1", user: "ann", vote: "none", atMs: NOON + DAY_MS });
  await boards.applyAll();
  await readAll(reader());
  expect(await boards.inRedis({ period: "daily", key: "2026-11-23" })).toEqual({ "owner of p1": 1 });
  expect(await boards.inRedis({ period: "daily", key: "2026-11-24" })).toEqual({});
});

const cast = fc.record({
  project: fc.constantFrom("p1", "p2"),
  user: fc.constantFrom("ann", "bob", "cem"),
  vote: fc.constantFrom<VoteType>("up", "up", "down", "none"),
  laterMs: fc.integer({ min: 0, max: DAY_MS }),
  isApplied: fc.boolean(),
  readers: fc.integer({ min: 0, max: 3 }),
});

test("over random votes, with several readers at once, each vote that stands is one point", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cast, { minLength: 5, maxLength: 40 }), async (history) => {
      const casts = new Casts();
      await reset();
      let atMs = NOON;
      for (const { laterMs, isApplied, readers, ...one } of history) {
        atMs += laterMs;
        await casts.cast({ ...one, atMs });
        if (isApplied) await boards.applyAll();
        // Any of them may come first, and the others must do nothing.
        await Promise.all(Array.from({ length: readers }, () => readAll(reader())));
      }
      await boards.applyAll();
      await readAll(reader());
      await expectPoints(casts);
    }),
    { numRuns: 40 },
  );
});

/** All of the boards in Redis, and back. */
async function copyOfBoards(): Promise<() => Promise<void>> {
  const keys = await boards.redis.keys(`${boards.names.prefix}:{boards}:*`);
  const dumps = await Promise.all(keys.map(async (key) => [key, await boards.redis.dumpBuffer(key)] as const));
  return async () => {
    await boards.wipe();
    for (const [key, dump] of dumps) if (dump !== null) await boards.redis.restore(key, 0, dump);
  };
}

test("a Redis that goes back in time gives again what it lost, and no sync lowers PostgreSQL meanwhile", async () => {
  const casts = new Casts();
  const give = async (user: string) => {
    await casts.cast({ project: "p1", user, vote: "up", atMs: NOON });
    await boards.applyAll();
    await readAll(reader());
  };
  await give("ann");
  await boards.sync();
  const goBack = await copyOfBoards();
  for (const user of ["bob", "cem"]) await give(user);
  await boards.sync();
  await goBack();
  await expect(boards.sync()).rejects.toThrow(BoardsBehindError);
  await readAll(reader());
  await expectPoints(casts);
  expect(await boards.sync()).toMatchObject({ deleted: 0, updated: 0 });
});

test("boards that lack moves which are deleted by now are lost, and counted anew exactly", async () => {
  const casts = new Casts();
  for (const user of ["ann", "bob"]) await casts.cast({ project: "p1", user, vote: "up", atMs: NOON });
  await boards.applyAll();
  await readAll(reader());
  await boards.score("ann", 3);
  await boards.sync();
  await boards.pool.query("UPDATE point_moves SET created_at = now() - interval '2 hours'");
  expect(await deleteOldMoves(boards.pool, boards.names.allShards())).toBeGreaterThan(0);
  expect(await reader().readOnce()).toMatchObject({ lost: false });
  await boards.wipe();
  expect(await reader().readOnce()).toMatchObject({ lost: true });
  // Taken between the loss and the count.
  await casts.cast({ project: "p2", user: "ann", vote: "up", atMs: NOON });
  await boards.applyAll();
  await boards.restore();
  await readAll(reader());
  const [daily] = boards.boards as [Board];
  expect(await boards.inRedis(daily)).toEqual({ "owner of p1": 2, "owner of p2": 1, ann: 3 });
});

test("moves that no sync has stored are kept", async () => {
  await boards.score("ann", 3);
  await boards.pool.query("UPDATE point_moves SET created_at = now() - interval '2 hours'");
  expect(await deleteOldMoves(boards.pool, boards.names.allShards())).toBe(0);
});

test("equal points share a rank, on any page; a user sees the own place on each board", async () => {
  for (const [user, points] of Object.entries({ a: 5, b: 3, c: 3, d: 3, e: 1 })) await boards.score(user, points);
  const [board] = boards.boards;
  if (board === undefined) throw new Error("no board");
  const ranks = async (offset: number, limit: number) =>
    (await readLeaderboard(boards, { board, offset, limit })).entries.map(({ rank }) => rank);
  expect(await ranks(0, 10)).toEqual([1, 2, 2, 2, 5]);
  expect(await ranks(2, 2)).toEqual([2, 2]);
  expect(await ranks(4, 2)).toEqual([5]);
  expect(await ranks(9, 2)).toEqual([]);
  const own = await readOwnPlaces(boards, { userId: "c", nowMs: NOON, zone: "UTC" });
  expect(own).toEqual({
    daily: { rank: 2, points: 3 },
    weekly: { rank: 2, points: 3 },
    monthly: { rank: 2, points: 3 },
    yearly: { rank: 2, points: 3 },
  });
  expect((await readOwnPlaces(boards, { userId: "nobody", nowMs: NOON, zone: "UTC" })).daily).toBeNull();
});
