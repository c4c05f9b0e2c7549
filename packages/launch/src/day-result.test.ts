import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type AppVotes, checksumOf, podium, rankApps, sealOf } from "./day-result.js";

const at = (seconds: number) => new Date(seconds * 1_000);
const app = (appId: string, votes: number, reachedAt: Date | null = at(1)): AppVotes => ({ appId, votes, reachedAt });

test("equal votes share a rank, and who had them first comes first", () => {
  const ranked = rankApps([app("a", 1), app("b", 5, at(9)), app("c", 7), app("d", 5, at(3)), app("e", 0, null)]);
  expect(ranked.map(({ appId, rank }) => `${appId}${rank}`)).toEqual(["c1", "d2", "b2", "a4", "e5"]);
  expect(podium(ranked)).toEqual(["c", "d", "b"]);
});

test("apps of which nobody knows when come last among equals, by their ids", () => {
  const ranked = rankApps([app("z", 2, null), app("b", 2, null), app("y", 2, at(5))]);
  expect(ranked.map(({ appId }) => appId)).toEqual(["y", "b", "z"]);
  expect(podium([])).toEqual([]);
});

const apps = fc.uniqueArray(
  fc.record({
    appId: fc.stringMatching(/^[a-z]{1,4}$/),
    votes: fc.integer({ min: 0, max: 3 }),
    reachedAt: fc.option(fc.integer({ min: 0, max: 3 }).map(at)),
  }),
  { selector: ({ appId }) => appId },
);

test("the order is total: it does not depend on the order apps come in, and every rank is one more than those above", () => {
  fc.assert(
    fc.property(apps, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (all, random) => {
      const ranked = rankApps(all);
      const shuffled = all.map((one) => [random.next().value as number, one] as const).sort(([a], [b]) => a - b);
      expect(rankApps(shuffled.map(([, one]) => one))).toEqual(ranked);
      for (const { votes, rank } of ranked) expect(rank).toBe(1 + all.filter((other) => other.votes > votes).length);
    }),
  );
});

test("a seal is of a day and its results, whatever order they come in; any change of them changes it", () => {
  const ranked = rankApps([app("a", 3), app("b", 2)]);
  const seal = sealOf("2024-01-15", ranked);
  expect(seal).toMatch(/^[0-9a-f]{64}$/);
  expect(sealOf("2024-01-15", [...ranked].reverse())).toBe(seal);
  expect(sealOf("2024-01-16", ranked)).not.toBe(seal);
  expect(sealOf("2024-01-15", rankApps([app("a", 4), app("b", 2)]))).not.toBe(seal);
  expect(sealOf("2024-01-15", ranked.slice(1))).not.toBe(seal);
});

test("a checksum tells every field that counts", () => {
  const [first] = rankApps([app("a", 3)]);
  if (first === undefined) throw new Error("no app");
  const sum = checksumOf("2024-01-15", first);
  const changed = [{ votes: 4 }, { rank: 2 }, { reachedAt: null }, { appId: "b" }];
  for (const change of changed) expect(checksumOf("2024-01-15", { ...first, ...change })).not.toBe(sum);
});
