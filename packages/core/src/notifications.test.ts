import { expect, test } from "@jest/globals";
import { dueNotifications, MILESTONES } from "./notifications.js";

const project = { title: "P", upvotes: 0, downvotes: 0, hasFirstVote: false, lastMilestone: 0 };
const kinds = (change: Partial<typeof project>) =>
  dueNotifications({ ...project, ...change }).map(({ kind, milestone }) => `${kind} ${milestone}`);

test("milestones go 10, 25, 50, 100, … to a thousand million", () => {
  expect(MILESTONES.slice(0, 10)).toEqual([10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]);
  expect(MILESTONES.at(-1)).toBe(1e9);
});

test.each<[string, Partial<typeof project>, string[]]>([
  ["nothing is told of a project without votes", {}, []],
  ["the first vote is told, a down-vote too", { downvotes: 1 }, ["first_vote 1"]],
  ["it is told once", { upvotes: 9, hasFirstVote: true }, []],
  ["of milestones passed at once the highest is told", { upvotes: 120 }, ["first_vote 1", "milestone 100"]],
  ["a milestone is told once", { upvotes: 30, hasFirstVote: true, lastMilestone: 25 }, []],
  ["the next one is told", { upvotes: 50, hasFirstVote: true, lastMilestone: 25 }, ["milestone 50"]],
  ["one passed again after a fall is not", { upvotes: 12, hasFirstVote: true, lastMilestone: 25 }, []],
  ["down-votes reach no milestone", { upvotes: 1, downvotes: 50, hasFirstVote: true }, []],
])("%s", (_what, change, expected) => {
  expect(kinds(change)).toEqual(expected);
});
