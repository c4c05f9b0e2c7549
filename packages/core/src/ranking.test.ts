import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { hotRank, wilsonLowerBound } from "./ranking.js";

const counts = fc.record({ upvotes: fc.nat(1_000_000), downvotes: fc.nat(1_000_000) });

test("the Wilson bound has its textbook values", () => {
  expect(wilsonLowerBound({ upvotes: 0, downvotes: 0 })).toBe(0);
  expect(wilsonLowerBound({ upvotes: 1, downvotes: 0 })).toBeCloseTo(0.2065, 3);
  expect(wilsonLowerBound({ upvotes: 60, downvotes: 40 })).toBeCloseTo(0.502, 3);
});

test("the Wilson bound lies between 0 and the share of up-votes, and more up-votes never lower it", () => {
  fc.assert(
    fc.property(counts, (given) => {
      const bound = wilsonLowerBound(given);
      const total = given.upvotes + given.downvotes;
      expect(bound).toBeGreaterThanOrEqual(0);
      expect(bound).toBeLessThanOrEqual(total === 0 ? 0 : given.upvotes / total);
      expect(wilsonLowerBound({ ...given, upvotes: given.upvotes + 1 })).toBeGreaterThanOrEqual(bound);
    }),
    // Was 3e-21.
    { examples: [[{ upvotes: 0, downvotes: 62_982 }]] },
  );
});

test("twelve and a half hours of age weigh as much as ten times the votes", () => {
  const older = hotRank({ upvotes: 100, downvotes: 0 }, 0);
  const newer = hotRank({ upvotes: 10, downvotes: 0 }, 45_000_000);
  expect(newer).toBeCloseTo(older, 9);
  expect(hotRank({ upvotes: 0, downvotes: 100 }, 0)).toBeLessThan(hotRank({ upvotes: 0, downvotes: 0 }, 0));
});
