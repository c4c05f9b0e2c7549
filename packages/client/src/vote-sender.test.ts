import { expect, test } from "@jest/globals";
import { TestClock } from "./clock.testing.js";
import {
  type ProjectVotes,
  projectVotes,
  shownVotes,
  type Vote,
  type VoteAnswer,
  withCounts,
} from "./project-votes.js";
import { RequestError } from "./request.js";
import { VoteSender } from "./vote-sender.js";

interface Cast {
  vote: Vote | null;
  key: string;
  atMs: number;
  answer(result: VoteAnswer | RequestError): Promise<void>;
}

/** A sender whose server is this test: every cast waits in `casts` for its answer. */
function setUp() {
  const clock = new TestClock();
  const casts: Cast[] = [];
  const failures: RequestError[] = [];
  const forgotten: string[] = [];
  let votes: ProjectVotes = projectVotes({ upvotes: 5, downvotes: 0, voteCount: 5, version: 1 }, null);
  let keys = 0;
  let online = true;
  const backOnline: (() => void)[] = [];
  const sender = new VoteSender({
    clock,
    debounceMs: 200,
    minIntervalMs: 500,
    read: () => votes,
    write: (_id, next) => {
      votes = next;
    },
    cast: (_id, vote, key) =>
      new Promise((resolve, reject) => {
        const answer = async (result: VoteAnswer | RequestError) => {
          if (result instanceof RequestError) reject(result);
          else resolve(result);
          await clock.pass(0);
        };
        casts.push({ vote, key, atMs: clock.nowMs(), answer });
      }),
    onFailed: (_id, error) => failures.push(error),
    onForgotten: (id) => forgotten.push(id),
    newKey: () => `key-${++keys}`,
    isOnline: () => online,
    online: () => new Promise((resolve) => backOnline.push(resolve)),
  });
  return {
    sender,
    clock,
    casts,
    failures,
    forgotten,
    shown: () => shownVotes(votes),
    heard: (upvotes: number, version: number) => {
      votes = withCounts(votes, { upvotes, downvotes: 0, voteCount: upvotes, version });
    },
    wish: (vote: Vote | null) => sender.wish("p", vote),
    signIn: () => {
      votes = projectVotes(votes.counts);
    },
    goOffline: () => {
      online = false;
    },
    goOnline: async () => {
      online = true;
      for (const resolve of backOnline.splice(0)) resolve();
      await clock.pass(0);
    },
    nth: (index: number): Cast => {
      const cast = casts[index];
      if (cast === undefined) throw new Error(`there is no cast ${index}`);
      return cast;
    },
  };
}

const answer = (user_vote: Vote | null, upvotes: number, version: number): VoteAnswer => ({
  upvotes,
  downvotes: 0,
  voteCount: upvotes,
  version,
  user_vote,
});

test("a click shows at once, is sent once things are quiet, and ends with the server's counts", async () => {
  const { wish, clock, casts, nth, shown } = setUp();
  wish("up");
  expect(shown()).toMatchObject({ upvotes: 6, ownVote: "up", pending: true });
  await clock.pass(199);
  expect(casts).toEqual([]);
  await clock.pass(1);
  await nth(0).answer(answer("up", 8, 4));
  expect(shown()).toMatchObject({ upvotes: 8, version: 4, ownVote: "up", pending: false });
  await clock.pass(10_000);
  expect(casts).toHaveLength(1);
});

test("twenty rapid clicks are one request, with the last wish", async () => {
  const { wish, clock, casts } = setUp();
  for (let i = 0; i < 20; i++) {
    wish(i % 2 === 0 ? "up" : "down");
    await clock.pass(50);
  }
  await clock.pass(200);
  expect(casts.map(({ vote }) => vote)).toEqual(["down"]);
});

test("clicks that end where they began send nothing", async () => {
  const { wish, clock, casts, shown } = setUp();
  wish("up");
  wish(null);
  await clock.pass(1_000);
  expect(casts).toEqual([]);
  expect(shown()).toMatchObject({ upvotes: 5, ownVote: null, pending: false });
});

test("of clicks made while a request is under way only the last wish is sent, half a second after it at the earliest", async () => {
  const { wish, clock, casts, nth, shown } = setUp();
  wish("up");
  await clock.pass(200);
  for (const vote of ["down", "up", "down"] as const) wish(vote);
  await clock.pass(100);
  await nth(0).answer(answer("up", 6, 2));
  await clock.pass(399);
  expect(casts).toHaveLength(1);
  await clock.pass(1);
  expect(casts.map(({ vote, atMs }) => [vote, atMs])).toEqual([
    ["up", 200],
    ["down", 700],
  ]);
  expect(nth(1).key).not.toBe(nth(0).key);
  await nth(1).answer({ ...answer("down", 5, 3), downvotes: 1, voteCount: 4 });
  expect(shown()).toMatchObject({ upvotes: 5, downvotes: 1, ownVote: "down", pending: false });
});

test("a request without an answer is repeated under the same key", async () => {
  const { wish, clock, casts, nth } = setUp();
  wish("up");
  await clock.pass(200);
  await nth(0).answer(new RequestError(null, {}));
  await clock.pass(400);
  await nth(1).answer(new RequestError(503, {}, { retryAfterS: 2 }));
  await clock.pass(2_000);
  await nth(2).answer(answer("up", 6, 2));
  expect(new Set(casts.map(({ key }) => key)).size).toBe(1);
});

test("one vote too many waits as long as the server asks, and is then cast", async () => {
  const { wish, clock, casts, nth, shown } = setUp();
  wish("up");
  await clock.pass(200);
  await nth(0).answer(new RequestError(429, { title: "Too many" }, { retryAfterS: 7 }));
  await clock.pass(6_999);
  expect(casts).toHaveLength(1);
  expect(shown()).toMatchObject({ ownVote: "up", pending: true });
  await clock.pass(1);
  await nth(1).answer(answer("up", 6, 2));
  expect(shown()).toMatchObject({ ownVote: "up", pending: false });
});

test("when no try helps the display is taken back and the failure told", async () => {
  const { wish, clock, nth, failures, shown, heard } = setUp();
  wish("up");
  await clock.pass(200);
  heard(7, 3);
  for (const index of [0, 1, 2, 3]) {
    await nth(index).answer(new RequestError(null, {}));
    await clock.pass(4_000);
  }
  expect(failures).toHaveLength(1);
  expect(shown()).toMatchObject({ upvotes: 7, version: 3, ownVote: null, pending: false });
});

test.each([400, 401, 403, 404, 422])(
  "a refusal with %d is not repeated, and the next click starts anew",
  async (status) => {
    const { wish, clock, casts, nth, failures, shown } = setUp();
    wish("up");
    await clock.pass(200);
    wish("down");
    await nth(0).answer(new RequestError(status, { title: "No" }));
    expect(failures.map((error) => error.status)).toEqual([status]);
    expect(shown()).toMatchObject({ upvotes: 5, downvotes: 0, ownVote: null });
    await clock.pass(10_000);
    expect(casts).toHaveLength(1);
    wish("up");
    await clock.pass(500);
    expect(casts).toHaveLength(2);
  },
);

test("without a network a vote waits until there is one, under its key", async () => {
  const { wish, clock, casts, nth, goOffline, goOnline, shown } = setUp();
  goOffline();
  wish("up");
  await clock.pass(200);
  await nth(0).answer(new RequestError(null, {}));
  await clock.pass(60_000);
  expect(casts).toHaveLength(1);
  expect(shown()).toMatchObject({ ownVote: "up", pending: true });
  await goOnline();
  await nth(1).answer(answer("up", 6, 2));
  expect(nth(1).key).toBe(nth(0).key);
  expect(shown()).toMatchObject({ ownVote: "up", pending: false });
});

test("a server that wants to be left alone for long is not waited for", async () => {
  const { wish, clock, nth, failures } = setUp();
  wish("up");
  await clock.pass(200);
  await nth(0).answer(new RequestError(503, {}, { retryAfterS: 30 }));
  expect(failures).toHaveLength(1);
});

test("a wish that waits for quiet is sent at once when the page is left or the sender closed, and none after that", async () => {
  const { wish, clock, casts, nth, sender } = setUp();
  wish("up");
  sender.flush();
  await nth(0).answer(answer("up", 6, 2));
  wish("down");
  sender.close();
  wish("up");
  await clock.pass(10_000);
  expect(casts.map(({ vote, atMs }) => [vote, atMs])).toEqual([
    ["up", 0],
    ["down", 0],
  ]);
  await nth(1).answer(answer("down", 5, 3));
  expect(clock.waiting).toBe(0);
});

test("once somebody else is there, no wish of the one before is sent, repeated or answered", async () => {
  const { wish, clock, casts, nth, failures, forgotten, sender, shown, signIn } = setUp();
  wish("up");
  await clock.pass(200);
  sender.forget();
  signIn();
  await nth(0).answer(answer("up", 6, 2));
  expect(shown()).toMatchObject({ upvotes: 5, ownVote: null, pending: false });
  wish("down");
  await clock.pass(200);
  wish("up");
  sender.forget();
  signIn();
  await nth(1).answer(new RequestError(503, {}));
  await clock.pass(10_000);
  expect(casts).toHaveLength(2);
  expect(failures).toEqual([]);
  expect(forgotten).toEqual(["p", "p"]);
});
