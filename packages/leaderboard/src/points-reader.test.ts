/** From votes to points, exactly once: whoever reads, however often, and wherever votes are taken back. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { boardName, boardsAt, EVENT_FIELD, type VoteEvent, type VoteType, voteWire } from "@votesync/core";
import { createProject } from "@votesync/postgres-store";
import fc from "fast-check";
import { NOON, TestBoards } from "./boards.testing.js";
import { PointsReader } from "./points-reader.js";
import { readLeaderboard, readOwnPlaces } from "./read-board.js";

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

/** The stream as casts leave it; each event knows the vote it replaces, and when that was given. */
class Casts {
  readonly votes = new Map<string, { vote: VoteType; atMs: number }>();
  private count = 0;

  async cast({ project, user, vote, atMs }: Cast, kind: VoteEvent["kind"] = "vote"): Promise<void> {
    const id = `${project} ${user}`;
    const before = this.votes.get(id) ?? { vote: "none", atMs: 0 };
    if (before.vote === vote) return;
    this.votes.set(id, { vote, atMs });
    const wire = voteWire({
      kind,
      requestId: `0.${++this.count}`,
      projectId: project,
      period: 0,
      userId: user,
      action: vote === "none" ? "removed" : before.vote === "none" ? "created" : "changed",
      voteType: vote,
      previousVoteType: before.vote,
      previousAtUs: before.vote === "none" ? 0 : before.atMs * 1_000,
      version: this.count,
      upvotes: 1,
      downvotes: 0,
      acceptedAtUs: atMs * 1_000,
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
  for (const shard of boards.names.allShards()) while ((await one.readOnce(shard)).more);
}

test("owners get a point for an up-vote, which is taken back from where it was given", async () => {
  const casts = new Casts();
  await casts.cast({ project: "p1", user: "ann", vote: "up", atMs: NOON });
  await casts.cast({ project: "p1", user: "bob", vote: "up", atMs: NOON }, "persisted");
  await casts.cast({ project: "p2", user: "ann", vote: "down", atMs: NOON });
  await casts.cast({ project: "nobody's", user: "ann", vote: "up", atMs: NOON });
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
  await readAll(reader());
  expect(await boards.inRedis({ period: "daily", key: "2026-11-23" })).toEqual({ "owner of p1": 1 });
  expect(await boards.inRedis({ period: "daily", key: "2026-11-24" })).toEqual({});
});

const cast = fc.record({
  project: fc.constantFrom("p1", "p2"),
  user: fc.constantFrom("ann", "bob", "cem"),
  vote: fc.constantFrom<VoteType>("up", "up", "down", "none"),
  laterMs: fc.integer({ min: 0, max: DAY_MS }),
  readers: fc.integer({ min: 0, max: 3 }),
});

test("over random votes, with several readers at once, each vote that stands is one point", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cast, { minLength: 5, maxLength: 40 }), async (history) => {
      const casts = new Casts();
      await boards.wipe();
      await boards.redis.unlink(...boards.names.allShards().map((shard) => boards.names.events(shard)));
      let atMs = NOON;
      for (const { laterMs, readers, ...one } of history) {
        atMs += laterMs;
        await casts.cast({ ...one, atMs });
        // Any of them may come first, and the others must do nothing.
        await Promise.all(Array.from({ length: readers }, () => readAll(reader())));
      }
      await readAll(reader());
      const found = await boards.redis.smembers(boards.names.boardNames());
      const expected = casts.expected();
      for (const name of new Set([...found, ...expected.keys()])) {
        const [period, key] = name.split(":") as ["daily", string];
        expect({ name, points: await boards.inRedis({ period, key }) }).toEqual({
          name,
          points: expected.get(name) ?? {},
        });
      }
    }),
    { numRuns: 40 },
  );
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
