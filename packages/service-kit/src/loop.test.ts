import { expect, test } from "@jest/globals";
import { describeServiceContract } from "./contract.js";
import { keptLog } from "./logger.testing.js";
import { createLoop } from "./loop.js";

const HOUR_MS = 3_600_000;
const backoff = { firstMs: 1, maxMs: 2 };

/** A body that plays a script, one step a call, and tells when the script is over. */
function scripted(steps: (() => Promise<boolean>)[]) {
  let calls = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const runOnce = async (): Promise<boolean> => {
    const step = steps[calls++];
    if (calls === steps.length) end();
    return step === undefined ? false : step();
  };
  return { runOnce, ended, calls: () => calls };
}

const more = async () => true;
const done = async () => false;
const fails = (message: string) => async () => {
  throw new Error(message);
};

test("it goes on at once while work is waiting, and then pauses until it is stopped", async () => {
  const body = scripted([more, more, done]);
  const loop = createLoop({ name: "test", runOnce: body.runOnce, idleMs: HOUR_MS, log: keptLog().log });
  expect(loop.lastFinishedAt()).toBeNull();
  await loop.start();
  await body.ended;
  await loop.stop();
  expect(body.calls()).toBe(3);
  expect(loop.lastFinishedAt()).toBeGreaterThan(Date.now() - 60_000);
});

test("a failing body is tried again; an error that repeats is logged once, another one and the recovery too", async () => {
  const { log, lines } = keptLog();
  const body = scripted([fails("refused"), fails("refused"), fails("refused"), fails("wrong password"), done]);
  const loop = createLoop({ name: "test", runOnce: body.runOnce, idleMs: HOUR_MS, log, backoff, startMs: 0 });
  await loop.start();
  await body.ended;
  await loop.stop();
  expect(lines.map(({ msg, failures }) => [msg, failures])).toEqual([
    ["failed; trying again", 1],
    ["failed; trying again", 4],
    ["works again", 4],
  ]);
});

test("what fails while connections are still being made is no news, unless it lasts", async () => {
  const { log, lines } = keptLog();
  const body = scripted([fails("not connected yet"), fails("not connected yet"), done]);
  const loop = createLoop({ name: "test", runOnce: body.runOnce, idleMs: HOUR_MS, log, backoff, startMs: HOUR_MS });
  await loop.start();
  await body.ended;
  await loop.stop();
  expect(lines).toEqual([]);
});

test("stopping tells the running body and waits until it is done", async () => {
  const events: string[] = [];
  let began: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    began = resolve;
  });
  const runOnce = (signal: AbortSignal) =>
    new Promise<boolean>((resolve) => {
      signal.addEventListener("abort", () => {
        events.push("told");
        setImmediate(() => {
          events.push("finished");
          resolve(true);
        });
      });
      began();
    });
  const loop = createLoop({ name: "test", runOnce, idleMs: 1, log: keptLog().log });
  await loop.start();
  await running;
  await loop.stop();
  expect(events).toEqual(["told", "finished"]);
});

test("a body that never waits leaves the process its turns", async () => {
  const loop = createLoop({ name: "test", runOnce: more, idleMs: 1, log: keptLog().log });
  await loop.start();
  await new Promise((resolve) => setTimeout(resolve, 1));
  await loop.stop();
});

test("it starts again after a stop", async () => {
  const body = scripted([done, done]);
  const loop = createLoop({ name: "test", runOnce: body.runOnce, idleMs: HOUR_MS, log: keptLog().log });
  await loop.start();
  await loop.stop();
  await loop.start();
  await body.ended;
  await loop.stop();
  expect(body.calls()).toBe(2);
});

describeServiceContract("a loop", () =>
  createLoop({ name: "test", runOnce: done, idleMs: HOUR_MS, log: keptLog().log }),
);
