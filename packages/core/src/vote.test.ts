import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { nextVersion, VOTE_TYPES, voteTransition } from "./vote.js";

const vote = fc.constantFrom(...VOTE_TYPES);

test("any history of wishes ends with the counters of the votes that stand", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), vote), { maxLength: 60 }), (history) => {
      const standing = new Map<number, string>();
      let [up, down] = [0, 0];
      for (const [user, wish] of history) {
        const { upvotesDelta, downvotesDelta } = voteTransition((standing.get(user) ?? "none") as typeof wish, wish);
        up += upvotesDelta;
        down += downvotesDelta;
        standing.set(user, wish);
      }
      const count = (wish: string) => [...standing.values()].filter((held) => held === wish).length;
      expect([up, down]).toEqual([count("up"), count("down")]);
    }),
  );
});

test("asking again for what stands changes nothing, and a removal needs a vote", () => {
  for (const wish of VOTE_TYPES) {
    expect(voteTransition(wish, wish)).toEqual({ action: "unchanged", upvotesDelta: 0, downvotesDelta: 0 });
  }
  expect(voteTransition("up", "none").action).toBe("removed");
  expect(voteTransition("none", "down").action).toBe("created");
  expect(voteTransition("down", "up").action).toBe("changed");
});

test("versions grow whatever the clock does", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (last, nowUs) => {
      expect(nextVersion(last, nowUs)).toBeGreaterThan(last);
      expect(nextVersion(last, nowUs)).toBeGreaterThanOrEqual(nowUs);
    }),
  );
});
