import { expect, test } from "@jest/globals";
import { placeOf } from "./places.js";

test.each([
  ["/", { page: "projects" }],
  ["/launch", { page: "launch", date: null }],
  ["/launch/2090-01-15", { page: "launch", date: "2090-01-15" }],
  ["/jam", { page: "jams" }],
  ["/jam/friday:1", { page: "jam", id: "friday:1" }],
  ["/jam/friday/", { page: "jam", id: "friday" }],
  ["/jam/friday/host", { page: "host", id: "friday" }],
  ["/leaderboard/", { page: "leaderboard" }],
  ["/operator", { page: "operator" }],
  ["/sync", { page: "sync" }],
  ["/jam/a/b/c", { page: "projects" }],
])("%s", (path, place) => {
  expect(placeOf(path)).toEqual(place);
});
