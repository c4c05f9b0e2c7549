import { expect, test } from "@jest/globals";
import { ColdCounts } from "./cold-counts.js";

const counts = (version: number) => ({ upvotes: version, downvotes: 0, version });

/** A store whose answers come when the test says so. */
function heldStore() {
  const queries: { ids: readonly string[]; answer: (version: number) => void; fail: () => void }[] = [];
  const cold = new ColdCounts(
    (ids) =>
      new Promise((resolve, reject) => {
        const answer = (version: number) => resolve(new Map(ids.map((id) => [id, counts(version)])));
        queries.push({ ids, answer, fail: () => reject(new Error("away")) });
      }),
  );
  const query = async (index: number) => {
    while (queries.length <= index) await new Promise((resolve) => setImmediate(resolve));
    return queries[index] as (typeof queries)[number];
  };
  return { cold, queries, query };
}

test("who asks while a query runs shares the next one, and never that one, which may be too old", async () => {
  const { cold, queries, query } = heldStore();
  const first = cold.read(["a"]);
  const { answer } = await query(0);
  const others = [cold.read(["a", "b"]), cold.read(["b", "c"]), cold.read(["c"])];
  answer(1);
  expect((await first).get("a")).toEqual(counts(1));
  const second = await query(1);
  expect(second.ids).toEqual(["a", "b", "c"]);
  second.answer(2);
  for (const found of await Promise.all(others)) expect(found.get("c")).toEqual(counts(2));
  expect(queries).toHaveLength(2);
});

test("a query that fails fails for those who share it, and the next one goes on", async () => {
  const { cold, query } = heldStore();
  const first = cold.read(["a"]);
  const { fail } = await query(0);
  const second = cold.read(["a"]);
  fail();
  await expect(first).rejects.toThrow("away");
  (await query(1)).answer(3);
  expect((await second).get("a")).toEqual(counts(3));
});

test("more projects than one query takes are several", async () => {
  const asked: number[] = [];
  const cold = new ColdCounts(async (ids) => {
    asked.push(ids.length);
    return new Map(ids.map((id) => [id, counts(1)]));
  });
  expect((await cold.read(Array.from({ length: 2_500 }, (_, i) => `p${i}`))).size).toBe(2_500);
  expect(asked).toEqual([1_000, 1_000, 500]);
});
