/** What a page has to load. Whoever makes these larger says why, and changes the budget. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";

/** Minified and gzipped, bytes. socket.io-client alone is 13 kB of the first two. */
const BUDGETS = {
  // 21.7 kB in November 2026
  "vote-button": 22_500,
  // 22.7 kB: with names that may not be shortened
  client: 23_500,
  // 1.3 kB, without React and the client
  react: 2_000,
};

test.each(Object.entries(BUDGETS))("%s is at most %d bytes", (name, budget) => {
  const bundle = readFileSync(new URL(`../dist/bundles/${name}.js`, import.meta.url));
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(budget);
});

test("the file for one script tag needs no other file", () => {
  const script = readFileSync(new URL("../dist/bundles/vote-button.js", import.meta.url), "utf8");
  expect(script).not.toMatch(/\bimport\s*[({"']|\bexport\s/);
  expect(script).toContain("vote-button");
});
