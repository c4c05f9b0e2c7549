/** Boards counted anew, and runs taken back, where there are more users than fit in a page. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { v4 as uuidv4 } from "uuid";
import { TestBoards } from "./boards.testing.js";
import { undoSync } from "./restore.js";

const USERS = 2_500;

let boards: TestBoards;
beforeEach(async () => {
  boards = await TestBoards.create();
});
afterEach(() => boards.remove());

/** Points by hand, as they are remembered: the first user gets one, the second two, and so on. */
async function giveEverybody(request: string): Promise<void> {
  await boards.pool.query(
    `INSERT INTO score_events (user_id, request_key, points, given_at)
     SELECT 'user ' || n, $1, n, $2 FROM generate_series(1, $3::int) n`,
    [request, new Date(boards.nowMs), USERS],
  );
}

async function expectEverybody(times: number): Promise<void> {
  const expected = Object.fromEntries(Array.from({ length: USERS }, (_, i) => [`user ${i + 1}`, (i + 1) * times]));
  for (const board of boards.boards) expect(await boards.inPostgres(board)).toEqual(expected);
}

test("every user of every page comes back, and a run over all of them can be undone", async () => {
  await giveEverybody("first");
  expect(await boards.restore()).toMatchObject({ restored: USERS * 4 });
  expect(await boards.sync()).toMatchObject({ created: USERS, full: true });
  await expectEverybody(1);
  await giveEverybody("second");
  await boards.restore();
  const { run_id: runId } = await boards.sync();
  await expectEverybody(2);
  expect(await undoSync(boards, { runId, undoId: uuidv4() })).toEqual({ run_id: runId, undone: USERS * 4 });
  await expectEverybody(1);
});

test("boards that were begun to be counted and not finished are begun anew", async () => {
  await giveEverybody("first");
  const [board] = boards.boards;
  const half = `${boards.names.restoredBoards}${board?.period}:${board?.key}`;
  await boards.redis.zadd(half, 7, "nobody", 1, "user 1");
  await boards.restore();
  await boards.sync();
  await expectEverybody(1);
});

test("an undo that fails says so in the history", async () => {
  await giveEverybody("first");
  await boards.restore();
  await boards.sync();
  await boards.score("user 1", 5);
  const { run_id: runId } = await boards.sync();
  await boards.pool.query("ALTER TABLE leaderboard_entries ADD CONSTRAINT broken CHECK (points <> 1) NOT VALID");
  const undoId = uuidv4();
  await expect(undoSync(boards, { runId, undoId })).rejects.toThrow("broken");
  const { rows } = await boards.pool.query("SELECT status, trigger FROM sync_runs WHERE id = $1", [undoId]);
  expect(rows).toEqual([{ status: "failed", trigger: "undo" }]);
});
