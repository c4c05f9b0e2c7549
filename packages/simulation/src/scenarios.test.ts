import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { SCENARIOS } from "./scenarios.js";
import { TestWorlds } from "./test-worlds.testing.js";
import type { TwoStores } from "./two-stores.js";
import { World } from "./world.js";

let worlds: TestWorlds;

beforeAll(async () => {
  worlds = await TestWorlds.create(1);
});
afterAll(() => worlds.remove());

test.each(SCENARIOS)("$name", async ({ steps }) => {
  expect(await World.run(worlds.all[0] as TwoStores, steps)).toEqual([]);
});
