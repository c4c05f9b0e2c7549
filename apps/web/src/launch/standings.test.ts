import { expect, test } from "@jest/globals";
import { type AppVotes, inOrderOf, standings } from "./standings.js";

const app = (appId: string, upvotes: number, version = 1_000_000): AppVotes => ({
  appId,
  name: appId,
  votes: { id: appId, upvotes, downvotes: 0, voteCount: upvotes, version, ownVote: null, pending: false, error: null },
});
const told = (ranked: ReturnType<typeof standings>) => ranked.map(({ appId, rank }) => `${rank} ${appId}`);

test("more votes come first, and equal votes share a rank", () => {
  const apps = [app("ant", 1), app("bee", 3), app("cat", 3, 2_000_000), app("dog", 2)];
  expect(told(standings(apps))).toEqual(["1 bee", "1 cat", "3 dog", "4 ant"]);
});

test("of as many votes, who had them first comes first; within a millisecond, and without votes, the id decides", () => {
  expect(told(standings([app("ant", 2, 5_000_000), app("bee", 2, 4_000_000)]))).toEqual(["1 bee", "1 ant"]);
  expect(told(standings([app("bee", 2, 4_000_001), app("ant", 2, 4_000_900)]))).toEqual(["1 ant", "1 bee"]);
  expect(told(standings([app("bee", 0, 1), app("ant", 0, 9_000_000)]))).toEqual(["1 ant", "1 bee"]);
});

test("apps stay where they were with the ranks they have now, and new ones come last", () => {
  const ranked = standings([app("ant", 1), app("bee", 9), app("new", 5)]);
  expect(told(inOrderOf(["ant", "bee"], ranked))).toEqual(["3 ant", "1 bee", "2 new"]);
});
