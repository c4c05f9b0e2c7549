import { expect, test } from "@jest/globals";
import { SharedReads } from "./shared-reads.js";

/** Readings that end when they are told to, each with its number. */
function readings() {
  const begun: { name: string; succeed: () => void; fail: () => void }[] = [];
  const reads = new SharedReads(
    (name) =>
      new Promise<number>((resolve, reject) => {
        const number = begun.length + 1;
        begun.push({ name, succeed: () => resolve(number), fail: () => reject(new Error(`${number} failed`)) });
      }),
  );
  return { reads, begun };
}

test("whoever asks during a reading shares the next one, which began after they asked", async () => {
  const { reads, begun } = readings();
  const first = reads.read("day");
  const crowd = Array.from({ length: 100 }, () => reads.read("day"));
  expect(begun).toHaveLength(1);
  begun[0]?.succeed();
  expect(await first).toBe(1);
  begun[1]?.succeed();
  expect(new Set(await Promise.all(crowd))).toEqual(new Set([2]));
  expect(begun).toHaveLength(2);
});

test("different names do not wait for each other, and a later question is a new reading", async () => {
  const { reads, begun } = readings();
  const [one, other] = [reads.read("one"), reads.read("other")];
  expect(begun.map(({ name }) => name)).toEqual(["one", "other"]);
  for (const { succeed } of begun) succeed();
  expect(await Promise.all([one, other])).toEqual([1, 2]);
  const later = reads.read("one");
  begun[2]?.succeed();
  expect(await later).toBe(3);
});

test("a reading that fails fails for those who shared it, and the next one goes on", async () => {
  const { reads, begun } = readings();
  const first = reads.read("day");
  const second = reads.read("day");
  begun[0]?.fail();
  await expect(first).rejects.toThrow("1 failed");
  begun[1]?.succeed();
  expect(await second).toBe(2);
});
