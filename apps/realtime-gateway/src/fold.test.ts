import { expect, test } from "@jest/globals";
import { type Fold, foldEntries } from "./fold.js";

const vote = (projectId: string, version: number, kind = "vote") =>
  ["1", kind, "0.x", projectId, 0, "ann", "created", "up", "none", 0, version, 1, 0, version].join("\n");
const counts = (projectId: string, version: number) =>
  ["1", "counts", projectId, 0, version, 1, 0, "redis-drift", version].join("\n");
const closed = (projectId: string, version: number) =>
  ["1", "closed", projectId, 0, version, 1, 0, version, version].join("\n");
const broken = (projectId: string) => vote(projectId, 1).replace("ann", "");
const entriesOf = (...wires: string[]) => wires.map((wire, i) => ({ id: `${i + 1}-0`, fields: ["e", wire], wire }));
const inOrder = (fold: Fold) => [...fold.values()].map(({ kind, projectId, version }) => [kind, projectId, version]);

test("of each project the newest vote and the newest repair are kept, in the order they came", () => {
  const fold: Fold = new Map();
  foldEntries(fold, entriesOf(vote("p", 1), vote("q", 2)));
  const later = [counts("p", 3), vote("p", 4), vote("p", 5), counts("p", 6), vote("r", 7, "persisted")];
  expect(foldEntries(fold, entriesOf(...later))).toEqual([]);
  expect(inOrder(fold)).toEqual([
    ["vote", "q", 2],
    ["vote", "p", 5],
    ["counts", "p", 6],
  ]);
});

test("where the newest entry of a project is broken, the one before it is told", () => {
  const fold: Fold = new Map();
  const skipped = foldEntries(fold, entriesOf("nonsense", vote("p", 1), vote("p", 2), broken("p"), ""));
  expect(inOrder(fold)).toEqual([["vote", "p", 2]]);
  expect(skipped.map(({ id }) => id)).toEqual(["1-0", "4-0", "5-0"]);
});

test("that a period closed is kept beside whatever follows it in one window", () => {
  const fold: Fold = new Map();
  foldEntries(fold, entriesOf(vote("p", 1), closed("p", 2), vote("p", 3), counts("p", 4), vote("p", 5)));
  foldEntries(fold, entriesOf(vote("p", 6), counts("p", 7)));
  expect(inOrder(fold)).toEqual([
    ["closed", "p", 2],
    ["vote", "p", 6],
    ["counts", "p", 7],
  ]);
  foldEntries(fold, entriesOf(closed("p", 8)));
  expect(inOrder(fold).at(-1)).toEqual(["closed", "p", 8]);
});
