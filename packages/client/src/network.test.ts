import { expect, test } from "@jest/globals";
import { TestClock } from "./clock.testing.js";
import { isOnline, onLeaving, untilOnline } from "./network.js";

test("where nobody tells of networks, one is assumed, and waiting for one ends at its deadline", async () => {
  const clock = new TestClock();
  expect(isOnline()).toBe(true);
  let waited = false;
  const waiting = untilOnline(clock, 1_000).then(() => {
    waited = true;
  });
  await clock.pass(999);
  expect(waited).toBe(false);
  await clock.pass(1);
  await waiting;
  expect(clock.waiting).toBe(0);
});

test("outside a page nobody leaves one", () => {
  expect(onLeaving(() => undefined)).not.toThrow();
});
