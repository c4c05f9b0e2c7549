/** A sync goes page by page, and so does counting boards anew: ten times as many users take no more memory. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { boardAt, boardName } from "@votesync/core";
import { votesyncWith } from "./command-line.js";
import { Installation } from "./installation.js";

const USERS = 40_000;
const USERS_PER_BATCH = 2_000;
/** Whoever kept the users of the larger board, or what is to be written of them, would need more than this. */
const HEAP = { NODE_OPTIONS: "--max-old-space-size=40 --max-semi-space-size=2" };

let installation: Installation;
beforeAll(async () => {
  installation = await Installation.create();
});
afterAll(() => installation.remove());

const board = () => boardAt("yearly", Date.now(), "UTC");
// As long as ids of identity providers are.
const PADDING = "u".repeat(240);

async function fill(from: number, to: number): Promise<void> {
  const { redis, names } = installation;
  for (let first = from; first < to; first += USERS_PER_BATCH) {
    const values = Array.from({ length: USERS_PER_BATCH }, (_, i) => [first + i + 1, `${PADDING} ${first + i}`]);
    await redis.zadd(names.boards + boardName(board()), ...values.flat());
  }
  await redis.sadd(names.boardNames(), boardName(board()));
}

async function withLittleMemory(...args: string[]): Promise<object> {
  const { code, stdout, stderr } = await votesyncWith(installation, HEAP, "sync", ...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as object;
}

const sync = () => withLittleMemory("run", "--full", "--period", "yearly");

test.each([
  { before: 0, users: USERS / 10 },
  { before: USERS / 10, users: USERS },
])(
  "a process that has just enough memory for a sync of $users users",
  async ({ before, users }) => {
    await fill(before, users);
    expect(await sync()).toMatchObject({ created: users - before, unchanged: before, errors: [] });
    expect(await sync()).toMatchObject({ created: 0, updated: 0, unchanged: users });
  },
  480_000,
);

test("the same process counts the boards of all of them anew", async () => {
  await installation.query(
    `INSERT INTO score_events (user_id, request_key, points, given_at)
     SELECT $1 || ' ' || n, 'k', n + 1, now() FROM generate_series(0, $2::int) n`,
    [PADDING, USERS - 1],
  );
  expect(await withLittleMemory("restore")).toMatchObject({ restored: USERS * 4 });
  expect(await sync()).toMatchObject({ created: 0, updated: 0, unchanged: USERS });
}, 480_000);
