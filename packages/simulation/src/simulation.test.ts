import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { describeFailure, simulateMany } from "./simulate.js";
import { TestWorlds } from "./test-worlds.testing.js";

const HISTORIES = 2_000;
/** They wait for each other's servers less than for their own. */
const AT_ONCE = 4;

let worlds: TestWorlds;

beforeAll(async () => {
  worlds = await TestWorlds.create(AT_ONCE);
});
afterAll(() => worlds.remove());

test("whatever fails, overlaps or goes back in time, the stores stand by what users were told", async () => {
  const { failures } = await simulateMany(worlds.all, { firstSeed: 1, histories: HISTORIES, maxFailures: 1 });
  expect(failures.map(describeFailure).join("\n")).toBe("");
}, 600_000);
