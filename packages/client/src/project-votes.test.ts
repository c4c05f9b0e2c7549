import { expect, test } from "@jest/globals";
import {
  type Counts,
  projectVotes,
  shownVotes,
  type Wish,
  withAnswer,
  withClick,
  withCounts,
  withOwnVote,
  withoutWish,
} from "./project-votes.js";

const counts = (upvotes: number, downvotes: number, version: number): Counts => ({
  upvotes,
  downvotes,
  voteCount: upvotes - downvotes,
  version,
});
const wishOf = ({ wish }: { wish: Wish | null }): Wish => {
  if (wish === null) throw new Error("there is no wish");
  return wish;
};

test("an older version never replaces a newer one", () => {
  const votes = projectVotes(counts(5, 1, 20));
  expect(withCounts(votes, counts(4, 1, 19))).toBe(votes);
  expect(shownVotes(withCounts(votes, counts(6, 1, 21)))).toMatchObject({ upvotes: 6, version: 21 });
});

test("a repair of the same version is taken, and the same counts again change nothing", () => {
  const votes = projectVotes(counts(5, 1, 20));
  expect(withCounts(votes, counts(5, 1, 20))).toBe(votes);
  expect(shownVotes(withCounts(votes, counts(7, 1, 20)))).toMatchObject({ upvotes: 7, voteCount: 6 });
});

test("a click shows at once", () => {
  const votes = withClick(projectVotes(counts(5, 1, 20)), "up");
  expect(shownVotes(votes)).toEqual({ ...counts(6, 1, 20), ownVote: "up", pending: true });
});

test("a click on the other button moves the vote", () => {
  const votes = withClick(projectVotes(counts(5, 1, 20), "up"), "down");
  expect(shownVotes(votes)).toMatchObject({ upvotes: 4, downvotes: 2, voteCount: 2, ownVote: "down" });
});

test("a click on the active button takes the vote back", () => {
  const votes = withClick(projectVotes(counts(5, 1, 20), "down"), "down");
  expect(shownVotes(votes)).toMatchObject({ upvotes: 5, downvotes: 0, voteCount: 5, ownVote: null });
});

test("a second click before the answer goes by what is shown", () => {
  const votes = withClick(withClick(projectVotes(counts(5, 1, 20)), "up"), "up");
  expect(shownVotes(votes)).toMatchObject({ ...counts(5, 1, 20), ownVote: null, pending: true });
});

test("a live count that came before the answer is not counted twice", () => {
  const clicked = withClick(projectVotes(counts(5, 1, 20)), "up");
  const live = withCounts(clicked, counts(6, 1, 21));
  expect(shownVotes(live)).toMatchObject({ upvotes: 6, version: 21, ownVote: "up" });
  const answered = withAnswer(live, wishOf(live), { ...counts(6, 1, 21), user_vote: "up" });
  expect(shownVotes(answered)).toEqual({ ...counts(6, 1, 21), ownVote: "up", pending: false });
});

test("an answer older than what is shown changes the own vote only", () => {
  const clicked = withCounts(withClick(projectVotes(counts(5, 1, 20)), "up"), counts(9, 1, 30));
  const answered = withAnswer(clicked, wishOf(clicked), { ...counts(6, 1, 21), user_vote: "up" });
  expect(shownVotes(answered)).toEqual({ ...counts(9, 1, 30), ownVote: "up", pending: false });
});

test("a wish made while another was under way is laid over its answer", () => {
  const first = withClick(projectVotes(counts(5, 1, 20)), "up");
  const second = withClick(first, "down");
  const answered = withAnswer(second, wishOf(first), { ...counts(6, 1, 21), user_vote: "up" });
  expect(answered.wish).toEqual({ vote: "down", madeOn: 21 });
  expect(shownVotes(answered)).toMatchObject({ upvotes: 5, downvotes: 2, voteCount: 3, ownVote: "down" });
});

test("a later wish that asks for what the answer says is fulfilled", () => {
  const first = withClick(projectVotes(counts(5, 1, 20)), "up");
  const third = withClick(withClick(first, "up"), "up");
  const answered = withAnswer(third, wishOf(first), { ...counts(6, 1, 21), user_vote: "up" });
  expect(shownVotes(answered)).toMatchObject({ ownVote: "up", pending: false });
});

test("a refused wish leaves the newest counts the server told", () => {
  const clicked = withCounts(withClick(projectVotes(counts(5, 1, 20), "down"), "up"), counts(8, 1, 25));
  expect(shownVotes(withoutWish(clicked))).toEqual({ ...counts(8, 1, 25), ownVote: "down", pending: false });
});

test("the server's word on the own vote wins, except over a wish under way", () => {
  const votes = projectVotes(counts(5, 1, 20), "down");
  expect(shownVotes(withOwnVote(votes, "up")).ownVote).toBe("up");
  expect(shownVotes(withOwnVote(withClick(votes, "down"), "up")).ownVote).toBeNull();
});
