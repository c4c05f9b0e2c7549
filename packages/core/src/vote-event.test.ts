import { expect, test } from "@jest/globals";
import {
  glanceAtEvent,
  MalformedEventError,
  NewerEventError,
  newerFormatOf,
  parseEvent,
  tryParseEvent,
  type VoteEvent,
  voteWire,
  wireOf,
} from "./vote-event.js";

const VALUES = ["1", "vote", "3.r", "p1", "0", "ann b", "changed", "down", "up", "5", "9", "1", "2", "8"];
const wire = (changes: Record<number, string> = {}) => VALUES.map((value, i) => changes[i] ?? value).join("\n");

test("an event is read value by value", () => {
  expect(parseEvent(wire())).toEqual({
    kind: "vote",
    requestId: "3.r",
    projectId: "p1",
    period: 0,
    userId: "ann b",
    action: "changed",
    voteType: "down",
    previousVoteType: "up",
    previousAtUs: 5,
    version: 9,
    stamp: 9,
    upvotes: 1,
    downvotes: 2,
    acceptedAtUs: 8,
    idempotency: null,
  });
});

test("a vote with an Idempotency-Key, and a wish that changed nothing, are read as they are written", () => {
  const keyed = [...VALUES.with(0, "2"), "key 1", "down accepted"].join("\n");
  const event = parseEvent(keyed) as VoteEvent;
  expect(event).toMatchObject({ kind: "vote", stamp: 9, idempotency: { key: "key 1", fingerprint: "down accepted" } });
  expect(voteWire(event)).toBe(keyed);
  const unchanged = [...VALUES.with(0, "2").with(1, "unchanged").with(6, "unchanged"), "", "", "12"].join("\n");
  const wish = parseEvent(unchanged) as VoteEvent;
  expect(wish).toMatchObject({ kind: "unchanged", action: "unchanged", version: 9, stamp: 12, idempotency: null });
  expect(voteWire(wish)).toBe(unchanged);
  expect(voteWire(parseEvent(wire()) as VoteEvent)).toBe(wire());
});

test("what earlier releases wrote for points is passed over, not refused", () => {
  expect(parseEvent(wire({ 1: "persisted", 6: "unchanged" }))).toMatchObject({ kind: "persisted", projectId: "p1" });
});

test("an event of a newer release is none that is refused: this release cannot say what it means", () => {
  expect(() => parseEvent("3\nvote\nsomething else")).toThrow(NewerEventError);
  expect(tryParseEvent("3\nvote")).toBeNull();
  expect([newerFormatOf("12\nvote"), newerFormatOf("2\nvote"), newerFormatOf("x\n"), newerFormatOf(undefined)]).toEqual(
    [12, null, null, null],
  );
});

test("a glance tells what an event is about, and knows what cannot be one", () => {
  for (const kind of ["vote", "persisted"] as const) {
    const { projectId } = parseEvent(wire({ 1: kind }));
    expect(glanceAtEvent(wire({ 1: kind }))).toEqual({ kind, projectId });
  }
  for (const kind of ["counts", "closed"] as const) {
    expect(glanceAtEvent(["1", kind, "p", "0"].join("\n"))).toEqual({ kind, projectId: "p" });
  }
  for (const none of [undefined, "", "1", "1\nvote", "1\nvote\n0.x", "3\ncounts\np", "1\nother\na\nb"]) {
    expect(glanceAtEvent(none)).toBeNull();
  }
});

test("the event is found among a stream entry's fields, by its name and never by a value", () => {
  expect(wireOf(["e", "1"])).toBe("1");
  expect(wireOf(["x", "e", "e", "2"])).toBe("2");
  expect(wireOf(["x", "e"])).toBeUndefined();
  expect(tryParseEvent(wireOf(["x", "e"]))).toBeNull();
});

test("repaired counters are read value by value", () => {
  const values = ["1", "counts", "p1", "0", "9", "1", "2", "recovered", "8"];
  expect(parseEvent(values.join("\n"))).toEqual({
    kind: "counts",
    projectId: "p1",
    period: 0,
    version: 9,
    upvotes: 1,
    downvotes: 2,
    reason: "recovered",
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
  ["a reason nobody knows", ["1", "counts", "p1", "0", "9", "1", "2", "bored", "8"].join("\n")],
  ["a negative counter", wire({ 11: "-1" })],
  ["a version that is no number", wire({ 10: "new" })],
  ["a request id with NUL", wire({ 2: "r\0" })],
  ["a request id with what stands in for NUL in PostgreSQL", wire({ 2: "r\uFFFF" })],
  ["a user id with what stands in for NUL in PostgreSQL", wire({ 5: "ann\uFFFF" })],
])("%s is not taken for an event", (_what, given) => {
  expect(() => parseEvent(given)).toThrow(MalformedEventError);
});
