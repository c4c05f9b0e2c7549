import { expect, test } from "@jest/globals";
import { TestClock } from "./clock.testing.js";
import { Polling } from "./polling.js";

function setUp() {
  const clock = new TestClock();
  const asked: number[] = [];
  const told: boolean[] = [];
  let active = true;
  let answers = true;
  let comesBack: () => void = () => undefined;
  const polling = new Polling({
    clock,
    activeMs: 1_000,
    inactiveMs: 5_000,
    activity: {
      isActive: () => active,
      onReturn: (listener) => {
        comesBack = listener;
        return () => {
          comesBack = () => undefined;
        };
      },
      close: () => undefined,
    },
    poll: async () => {
      asked.push(clock.nowMs());
      return answers;
    },
    onPolled: (answered) => told.push(answered),
  });
  const leave = () => {
    active = false;
  };
  const returns = () => {
    active = true;
    comesBack();
  };
  const fail = () => {
    answers = false;
  };
  return { clock, polling, asked, told, leave, returns, fail };
}

test("every second while somebody is there, every five when not, at once when they come back", async () => {
  const { clock, polling, asked, leave, returns } = setUp();
  polling.start();
  polling.start();
  await clock.pass(2_500);
  expect(asked).toEqual([0, 1_000, 2_000]);
  leave();
  await clock.pass(6_000);
  expect(asked.slice(3)).toEqual([3_000, 8_000]);
  returns();
  await clock.pass(1_100);
  expect(asked.slice(5)).toEqual([8_500, 9_500]);
  polling.stop();
  returns();
  await clock.pass(60_000);
  expect(asked).toHaveLength(7);
});

test("it says whether it was answered, and goes on when not", async () => {
  const { clock, polling, told, fail } = setUp();
  polling.start();
  await clock.pass(500);
  fail();
  await clock.pass(2_000);
  expect(told).toEqual([true, false, false]);
});
