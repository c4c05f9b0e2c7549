/** Turns that end: nothing is deleted for it, and rows are frozen once all points are there, not before. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Board, boardName, EVENT_FIELD, voteWire } from "@votesync/core";
import { createProject } from "@votesync/postgres-store";
import { NOON, TestBoards } from "./boards.testing.js";
import { PointsReader } from "./points-reader.js";

let boards: TestBoards;
beforeEach(async () => {
  boards = await TestBoards.create();
});
afterEach(() => boards.remove());

const [DAY_MS, HOUR_MS, MINUTE_MS] = [86_400_000, 3_600_000, 60_000];
const board = (period: Board["period"]) => boards.boards.find((one) => one.period === period) as Board;

test("midnight deletes nothing: an ended turn gets one last sync, and its rows never change again", async () => {
  await boards.score("ann", 5);
  await boards.sync();
  await boards.score("ann", 2);
  await boards.score("bob", 1);
  const yesterday = board("daily");
  boards.nowMs = NOON + DAY_MS;
  await boards.score("ann", 1);
  const report = await boards.sync();
  expect(report).toMatchObject({ deleted: 0, frozen: ["daily:2026-11-23"] });
  expect(await boards.inPostgres(yesterday)).toEqual({ ann: 7, bob: 1 });
  expect(await boards.inPostgres(board("daily"))).toEqual({ ann: 1 });
  expect(await boards.inPostgres(board("weekly"))).toEqual({ ann: 8, bob: 1 });
  await boards.redis.unlink(boards.names.boards + boardName(yesterday));
  expect(await boards.sync({ full: true })).toMatchObject({ deleted: 0, frozen: [] });
  expect(await boards.inPostgres(yesterday)).toEqual({ ann: 7, bob: 1 });
});

test("new year in a zone with daylight saving ends four turns at once, and deletes nothing", async () => {
  boards.zone = "America/New_York";
  boards.nowMs = Date.parse("2028-01-01T04:30:00Z");
  await boards.score("ann", 5);
  await boards.sync();
  const old = boards.boards;
  boards.nowMs += HOUR_MS;
  await boards.score("bob", 1);
  const report = await boards.sync();
  // The week goes on over new year.
  expect(report.frozen.sort()).toEqual(["daily:2027-12-31", "monthly:2027-12", "yearly:2027"]);
  expect(report.deleted).toBe(0);
  for (const one of old) expect(await boards.inPostgres(one)).toMatchObject({ ann: 5 });
  expect(await boards.inPostgres(board("yearly"))).toEqual({ bob: 1 });
});

test("whoever is on this year's board and not on today's keeps the year's row", async () => {
  await boards.score("ann", 5);
  await boards.sync();
  boards.nowMs += DAY_MS;
  await boards.score("bob", 1);
  for (const full of [false, true]) {
    const { by_period } = await boards.sync({ full });
    for (const counts of Object.values(by_period)) expect(counts.deleted).toBe(0);
  }
  expect(await boards.inPostgres(board("yearly"))).toEqual({ ann: 5, bob: 1 });
  expect(await boards.inPostgres(board("daily"))).toEqual({ bob: 1 });
});

test.each([
  { day: "2026-03-29", hours: 23 },
  { day: "2026-10-25", hours: 25 },
])(
  "a day of $hours hours has the points of all of them, and its neighbours theirs",
  async ({ day, hours }) => {
    boards.zone = "Europe/Berlin";
    const midday = Date.parse(`${day}T12:00:00Z`);
    const frozen: string[] = [];
    for (boards.nowMs = midday - DAY_MS; boards.nowMs < midday + 2 * DAY_MS; boards.nowMs += HOUR_MS) {
      await boards.score(`user ${boards.nowMs}`, 1);
      const report = await boards.sync({ full: boards.nowMs % (2 * HOUR_MS) === 0 });
      expect(report).toMatchObject({ deleted: 0, updated: 0, errors: [] });
      frozen.push(...report.frozen);
    }
    const daysOf = (key: string) => boards.inPostgres({ period: "daily", key });
    expect(Object.keys(await daysOf(day))).toHaveLength(hours);
    const dayAfter = new Date(midday + DAY_MS).toISOString().slice(0, 10);
    expect(Object.keys(await daysOf(dayAfter))).toHaveLength(24);
    expect(frozen.filter((name) => name === `daily:${day}`)).toHaveLength(1);
  },
  120_000,
);

test("a turn is frozen only when no clock can still take votes for it", async () => {
  await boards.score("ann", 5);
  boards.nowMs = Date.parse("2026-11-24T00:00:00Z");
  expect(await boards.sync()).toMatchObject({ frozen: [] });
  boards.nowMs += MINUTE_MS;
  expect(await boards.sync()).toMatchObject({ frozen: ["daily:2026-11-23"] });
});

test("a vote of the last moment counts although its points come after midnight", async () => {
  const project = { id: "p", title: "P", url: null, boardId: null, ownerId: "owner" };
  await createProject(boards.postgres.prisma, project, new Date());
  await boards.score("ann", 5);
  await boards.sync();
  const yesterday = board("daily");
  const wire = voteWire({
    kind: "vote",
    requestId: "0.late",
    projectId: "p",
    period: 0,
    userId: "bob",
    action: "created",
    voteType: "up",
    previousVoteType: "none",
    previousAtUs: 0,
    version: 1,
    stamp: 1,
    upvotes: 1,
    downvotes: 0,
    acceptedAtUs: (NOON + 12 * HOUR_MS) * 1_000 - 1,
    idempotency: null,
  });
  const shard = boards.names.shardOf("p");
  await boards.redis.xadd(boards.names.events(shard), "*", EVENT_FIELD, wire);
  boards.nowMs = NOON + DAY_MS;
  expect(await boards.sync()).toMatchObject({ frozen: [] });
  await boards.applyAll();
  expect(await boards.sync()).toMatchObject({ frozen: [] });
  await new PointsReader(boards, { zone: "UTC", points: { up: 1, down: 0, none: 0 } }).readOnce();
  expect(await boards.sync()).toMatchObject({ frozen: [boardName(yesterday)] });
  expect(await boards.inPostgres(yesterday)).toEqual({ ann: 5, owner: 1 });
});

test("a turn with somebody who could not be stored is frozen once that is mended; others do not wait for it", async () => {
  await boards.pool.query("ALTER TABLE leaderboard_entries ADD CONSTRAINT not_bad CHECK (user_id <> 'bad')");
  for (const user of ["ann", "bad"]) await boards.score(user, 1);
  boards.nowMs += DAY_MS;
  await boards.score("ann", 1);
  boards.nowMs += DAY_MS;
  const { frozen, errors } = await boards.sync();
  expect([frozen, new Set(errors.map(({ user_id }) => user_id))]).toEqual([["daily:2026-11-24"], new Set(["bad"])]);
  await boards.pool.query("ALTER TABLE leaderboard_entries DROP CONSTRAINT not_bad");
  expect(await boards.sync()).toMatchObject({ frozen: ["daily:2026-11-23"], errors: [] });
  expect(await boards.inPostgres({ period: "daily", key: "2026-11-23" })).toEqual({ ann: 1, bad: 1 });
});
