import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { QUEUES } from "@votesync/core";
import type { Service } from "@votesync/service-kit";
import { createLogger } from "@votesync/service-kit";
import { describeServiceContract } from "@votesync/service-kit/contract";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { z } from "zod";
import { connectJobs, declareJob, handles, type Jobs, type WorkerOptions } from "./index.js";

const QUEUE = QUEUES.sideEffects;
const greet = declareJob({ queue: QUEUE, name: "greet", schema: z.object({ who: z.string() }), backoffMs: 1 });
const log = createLogger({ service: "jobs-test", level: "silent" });

let jobs: Jobs;
let prefix: string;
let workers: Service[];
let greeted: string[];

function connect(): Jobs {
  return connectJobs({ url: testRedisUrl(), name: "jobs-test", log, prefix });
}

const hello = handles(greet, async ({ who }) => void greeted.push(who));

async function work(handlers = [hello], options: WorkerOptions = {}): Promise<Service> {
  const worker = jobs.worker(QUEUE, handlers, options);
  workers.push(worker);
  await worker.start();
  return worker;
}

beforeEach(async () => {
  prefix = `{${uniqueName("bull")}}`;
  jobs = connect();
  workers = [];
  greeted = [];
  await waitFor("the queue to be reached", async () => (await jobs.queue(QUEUE).counts()) !== undefined);
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await jobs.close();
});

test("a job is done with the data it was added with", async () => {
  await work();
  await jobs.queue(QUEUE).add(greet, { who: "ann" });
  await waitFor("ann to be greeted", () => greeted.includes("ann"));
});

test("an outcome that says completed has the result with it, however closely it is watched", async () => {
  await work([handles(greet, async ({ who }) => ({ greeting: `hello ${who}` }))], { concurrency: 8 });
  const queue = jobs.queue(QUEUE);
  const watch = async (who: string): Promise<unknown> => {
    const id = await queue.add(greet, { who });
    for (;;) {
      const outcome = await queue.outcome(id);
      if (outcome?.state === "completed") return outcome.result;
    }
  };
  const names = Array.from({ length: 200 }, (_, i) => `user ${i}`);
  expect(await Promise.all(names.map(watch))).toEqual(names.map((who) => ({ greeting: `hello ${who}` })));
});

test("a job that fails is tried again; one that keeps failing is kept among the failed", async () => {
  let tries = 0;
  const handler = handles(greet, async () => {
    tries++;
    throw new Error("not today");
  });
  await work([handler]);
  await jobs.queue(QUEUE).add(greet, { who: "ann" });
  await waitFor("the job to be given up", async () => (await jobs.queue(QUEUE).counts()).failed === 1);
  expect(tries).toBe(greet.attempts);
});

test("a job whose data are not of its schema, or whose name nobody knows, fails at once", async () => {
  await work();
  const wrong = { ...greet, schema: z.object({ who: z.number() }) };
  const unknown = { ...greet, name: "shout" };
  await jobs.queue(QUEUE).add(wrong, { who: 7 });
  await jobs.queue(QUEUE).add(unknown, { who: "ann" });
  await waitFor("both to be given up", async () => (await jobs.queue(QUEUE).counts()).failed === 2);
  expect(greeted).toEqual([]);
});

test("the same deduplication id makes one job while it waits", async () => {
  const ids = [];
  for (const who of ["ann", "bob"]) ids.push(await jobs.queue(QUEUE).add(greet, { who }, { deduplicationId: "once" }));
  expect(ids[1]).toBe(ids[0]);
  expect(await jobs.queue(QUEUE).counts()).toEqual({ waiting: 1, active: 0, delayed: 0, failed: 0 });
});

test("who looks at the queue sees the jobs under way", async () => {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await work([handles(greet, () => finished)]);
  const id = await jobs.queue(QUEUE).add(greet, { who: "ann" });
  const [running] = await waitFor("the job to run", async () => {
    const found = await jobs.queue(QUEUE).running();
    return found.length === 1 && found;
  });
  expect(running).toEqual({ queue: QUEUE, id, name: "greet", summary: '{"who":"ann"}', startedAt: expect.any(Date) });
  expect(await jobs.queue(QUEUE).counts()).toMatchObject({ waiting: 0, active: 1 });
  finish();
});

test("a stop waits for the job under way; one that does not end is told to, and runs again", async () => {
  let told = false;
  let runs = 0;
  const handler = handles(greet, async (_data, { signal }) => {
    if (++runs > 1) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    told = true;
    throw new Error("has to stop");
  });
  const worker = await work([handler], { stopMs: 50 });
  await jobs.queue(QUEUE).add(greet, { who: "ann" });
  await waitFor("the job to run", () => runs === 1);
  await worker.stop();
  expect(told).toBe(true);
  await work([handler]);
  await waitFor("it to run again", () => runs === 2);
});

test("a scheduled job comes again and again, once each time however often it is scheduled", async () => {
  const schedules = Array.from({ length: 3 }, () =>
    jobs.queue(QUEUE).schedule(greet, { everyMs: 200, data: { who: "clock" } }),
  );
  const begun = performance.now();
  for (const schedule of schedules) await schedule.start();
  await work();
  await waitFor("the fifth time", () => greeted.length >= 5);
  const elapsedMs = performance.now() - begun;
  expect(greeted.length).toBeLessThanOrEqual(elapsedMs / 200 + 2);
  await Promise.all(schedules.map((schedule) => schedule.stop()));
});

describeServiceContract("a queue's worker", () => {
  const own = connect();
  workers.push({ name: "own", start: async () => undefined, stop: () => own.close() });
  return own.worker(QUEUE, [hello]);
});
describeServiceContract("a schedule", () => jobs.queue(QUEUE).schedule(greet, { everyMs: 60_000, data: { who: "x" } }));
