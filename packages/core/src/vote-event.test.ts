import { expect, test } from "@jest/globals";
import { MalformedEventError, parseVoteEvent } from "./vote-event.js";

const VALUES = ["1", "vote", "3.r", "p1", "0", "ann b", "changed", "down", "up", "5", "9", "1", "2", "8"];
const wire = (changes: Record<number, string> = {}) => VALUES.map((value, i) => changes[i] ?? value).join("\n");

test("an event is read value by value", () => {
  expect(parseVoteEvent(wire())).toEqual({
    requestId: "3.r",
    projectId: "p1",
    period: 0,
    userId: "ann b",
    action: "changed",
    voteType: "down",
    previousVoteType: "up",
    previousAtUs: 5,
    version: 9,
    upvotes: 1,
    downvotes: 2,
    acceptedAtUs: 8,
  });
});

test.each([
  ["no field", undefined],
  ["an empty one", ""],
  ["another format", wire({ 0: "2" })],
  ["another kind", wire({ 1: "poll" })],
  ["a value too few", VALUES.slice(1).join("\n")],
  ["a value too many", `${wire()}\nmore`],
  ["a project id with a space", wire({ 3: "p 1" })],
  ["an unknown vote", wire({ 7: "sideways" })],
  ["an action that writes nothing", wire({ 6: "unchanged" })],
  ["a negative counter", wire({ 11: "-1" })],
  ["a version that is no number", wire({ 10: "new" })],
])("%s is not taken for an event", (_what, given) => {
  expect(() => parseVoteEvent(given)).toThrow(MalformedEventError);
});
