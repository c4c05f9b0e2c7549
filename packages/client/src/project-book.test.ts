import { beforeEach, expect, test } from "@jest/globals";
import { ProjectBook } from "./project-book.js";
import { type Counts, withAnswer, withWish } from "./project-votes.js";

const counts = (upvotes: number, version: number): Counts => ({ upvotes, downvotes: 0, voteCount: upvotes, version });

let book: ProjectBook;
beforeEach(() => {
  book = new ProjectBook("optimistic", () => undefined);
  book.applyCounts("p", counts(1, 10));
});
const shown = () => book.shown("p").get();

test("an own vote that was answered while its older truth was on its way stays", () => {
  const before = book.ownVotes();
  const votes = withWish(book.votes("p") as never, "up");
  book.setVotes("p", votes);
  book.setVotes("p", withAnswer(votes, votes.wish as never, { ...counts(2, 20), user_vote: "up" }));
  book.applyOwnVotes(new Map([["p", null]]), before);
  expect(shown()).toMatchObject({ ownVote: "up", upvotes: 2 });
  book.applyOwnVotes(new Map([["p", null]]), book.ownVotes());
  expect(shown()).toMatchObject({ ownVote: null });
});

test("when a period closed everybody may vote anew, and a message of before changes nothing", () => {
  book.applyOwnVotes(new Map([["p", "up"]]), book.ownVotes());
  expect(book.periodClosed("p", counts(0, 30))).toBe(true);
  expect(shown()).toMatchObject({ ownVote: null, upvotes: 0 });
  book.applyOwnVotes(new Map([["p", "up"]]), book.ownVotes());
  book.applyCounts("p", counts(1, 40));
  for (const version of [30, 40]) expect(book.periodClosed("p", counts(1, version))).toBe(false);
  expect(shown()).toMatchObject({ ownVote: "up", upvotes: 1 });
});

test("a click that is not sent yet when a period closes is a vote in the next one; one that takes a vote back is nothing", () => {
  book.setVotes("p", withWish(book.votes("p") as never, "up"));
  book.periodClosed("p", counts(0, 30));
  expect(book.votes("p")?.wish).toEqual({ vote: "up", madeOn: 30 });
  expect(shown()).toMatchObject({ ownVote: "up", upvotes: 1, pending: true });
  book.setVotes("p", withWish(book.votes("p") as never, null));
  book.periodClosed("p", counts(0, 40));
  expect(book.votes("p")?.wish).toBeNull();
});

test("what is not there is told once, and no later answer makes it come back as something else", () => {
  book.setMissing("q");
  expect(book.shown("q").get()).toBeNull();
  book.setMissing("p");
  expect(shown()).toMatchObject({ upvotes: 1 });
});
