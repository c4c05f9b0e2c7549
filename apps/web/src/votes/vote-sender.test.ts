import { expect, test } from "@jest/globals";
import { RequestError } from "../http/request.js";
import { type ProjectVotes, projectVotes, shownVotes, type Vote, type VoteAnswer } from "./project-votes.js";
import { VoteSender } from "./vote-sender.js";

interface Cast {
  vote: Vote | null;
  key: string;
  answer(result: VoteAnswer | RequestError): Promise<void>;
}

/** A sender whose server is this test: every cast waits in `casts` for its answer. */
function setUp() {
  const casts: Cast[] = [];
  const failures: RequestError[] = [];
  const pauses: number[] = [];
  let votes: ProjectVotes = projectVotes({ upvotes: 5, downvotes: 0, voteCount: 5, version: 1 });
  let keys = 0;
  const sender = new VoteSender({
    read: () => votes,
    write: (_id, next) => {
      votes = next;
    },
    cast: (_id, vote, key) =>
      new Promise((resolve, reject) => {
        const answer = async (result: VoteAnswer | RequestError) => {
          if (result instanceof RequestError) reject(result);
          else resolve(result);
          await new Promise(setImmediate);
        };
        casts.push({ vote, key, answer });
      }),
    onFailed: (_id, error) => failures.push(error),
    newKey: () => `key-${++keys}`,
    pause: async (ms) => {
      pauses.push(ms);
    },
  });
  const nth = (index: number): Cast => {
    const cast = casts[index];
    if (cast === undefined) throw new Error(`there is no cast ${index}`);
    return cast;
  };
  return { sender, casts, nth, failures, pauses, shown: () => shownVotes(votes) };
}

const answer = (user_vote: Vote | null, upvotes: number, version: number): VoteAnswer => ({
  upvotes,
  downvotes: 0,
  voteCount: upvotes,
  version,
  user_vote,
});

test("a click is sent once and ends with the server's counts", async () => {
  const { sender, casts, nth, shown } = setUp();
  const done = sender.click("p", "up");
  expect(shown()).toMatchObject({ upvotes: 6, ownVote: "up", pending: true });
  await nth(0).answer(answer("up", 8, 4));
  await done;
  expect(casts.length).toBe(1);
  expect(shown()).toMatchObject({ upvotes: 8, version: 4, ownVote: "up", pending: false });
});

test("of clicks made while a request is under way only the last wish is sent, afterwards", async () => {
  const { sender, casts, nth, shown } = setUp();
  const done = sender.click("p", "up");
  await sender.click("p", "down");
  await sender.click("p", "down");
  await sender.click("p", "down");
  expect(casts.length).toBe(1);
  await nth(0).answer(answer("up", 6, 2));
  expect(casts.map(({ vote }) => vote)).toEqual(["up", "down"]);
  expect(nth(1).key).not.toBe(nth(0).key);
  await nth(1).answer(answer("down", 5, 3));
  await done;
  expect(shown()).toMatchObject({ upvotes: 5, ownVote: "down", pending: false });
});

test("clicks that end where the first one was going send nothing more", async () => {
  const { sender, casts, nth } = setUp();
  const done = sender.click("p", "up");
  await sender.click("p", "up");
  await sender.click("p", "up");
  await nth(0).answer(answer("up", 6, 2));
  await done;
  expect(casts.length).toBe(1);
});

test("a request without an answer is repeated under the same key", async () => {
  const { sender, casts, nth, pauses } = setUp();
  const done = sender.click("p", "up");
  await nth(0).answer(new RequestError(null, {}));
  await nth(1).answer(new RequestError(503, {}, { retryAfterS: 1 }));
  await nth(2).answer(answer("up", 6, 2));
  await done;
  expect(new Set(casts.map(({ key }) => key)).size).toBe(1);
  expect(pauses).toEqual([400, 1_500]);
});

test("after three attempts the display is taken back and the failure told", async () => {
  const { sender, nth, failures, shown } = setUp();
  const done = sender.click("p", "up");
  for (const index of [0, 1, 2]) await nth(index).answer(new RequestError(null, {}));
  await done;
  expect(failures.length).toBe(1);
  expect(shown()).toMatchObject({ upvotes: 5, ownVote: null, pending: false });
});

test("a refusal is not repeated, takes back later wishes too, and the next click starts anew", async () => {
  const { sender, casts, nth, failures, shown } = setUp();
  const done = sender.click("p", "up");
  await sender.click("p", "down");
  await nth(0).answer(new RequestError(429, { title: "Too many" }, { retryAfterS: 7 }));
  await done;
  expect(failures.map(({ retryAfterS }) => retryAfterS)).toEqual([7]);
  expect(casts.length).toBe(1);
  expect(shown()).toMatchObject({ upvotes: 5, downvotes: 0, ownVote: null });
  void sender.click("p", "up");
  expect(casts.length).toBe(2);
});

test("a server that wants to be left alone for long is not waited for", async () => {
  const { sender, nth, failures } = setUp();
  const done = sender.click("p", "up");
  await nth(0).answer(new RequestError(503, {}, { retryAfterS: 30 }));
  await done;
  expect(failures.length).toBe(1);
});
