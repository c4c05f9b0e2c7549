/** What happens to jobs when processes are killed and when Redis is away, slow, or comes back empty. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { QUEUES } from "@votesync/core";
import { createLogger, type Service } from "@votesync/service-kit";
import { OwnRedis, waitFor } from "@votesync/testkit";
import { z } from "zod";
import { connectJobs, declareJob, handles, type Jobs, QueueUnavailableError } from "./index.js";

const HANGING_WORKER = fileURLToPath(new URL("../fixtures/hanging-worker.mjs", import.meta.url));
const QUEUE = QUEUES.sideEffects;
const PREFIX = "{bull}";
const OUTAGE_MS = 30_000;
const LOCK_MS = 500;

const greet = declareJob({ queue: QUEUE, name: "greet", schema: z.object({ who: z.string() }) });
const log = createLogger({ service: "jobs-test", level: "silent" });

let redis: OwnRedis;
let jobs: Jobs;
let services: Service[];
let children: ChildProcess[];
let greeted: string[];

beforeEach(async () => {
  redis = await OwnRedis.start();
  jobs = connectJobs({ url: redis.url, name: "jobs-test", log, prefix: PREFIX });
  services = [];
  children = [];
  greeted = [];
  await reached();
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(services.map((service) => service.stop()));
  await jobs.close();
  await redis.remove();
});

async function started(service: Service): Promise<Service> {
  services.push(service);
  await service.start();
  return service;
}

const worker = () =>
  started(
    jobs.worker(QUEUE, [handles(greet, async ({ who }) => void greeted.push(who))], {
      lockMs: LOCK_MS,
      stalledCheckMs: 100,
    }),
  );
const add = (who: string) => jobs.queue(QUEUE).add(greet, { who });
const reached = () => waitFor("the queue to be reached", async () => (await jobs.queue(QUEUE).counts()) !== undefined);
const isGreeted = (who: string) => waitFor(`${who} to be greeted`, () => greeted.includes(who));

/** A process that takes the next job and never ends it. @returns once it has one */
async function hangingWorker(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HANGING_WORKER], {
    env: { REDIS_URL: redis.url, PREFIX, QUEUE, JOB: greet.name, LOCK_MS: String(LOCK_MS) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, "data", { signal: AbortSignal.timeout(15_000) });
  return child;
}

test("a job outlives five workers killed in the middle of it, and is done by the sixth", async () => {
  await add("ann");
  for (let death = 0; death < 5; death++) {
    const child = await hangingWorker();
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
  await worker();
  await isGreeted("ann");
  // It greets first, and is done afterwards.
  await waitFor("the job to be done", async () => (await jobs.queue(QUEUE).counts()).active === 0);
  expect(await jobs.queue(QUEUE).counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
});

test("after 30 s without Redis, workers and queues go on by themselves", async () => {
  await worker();
  await add("before");
  await isGreeted("before");
  await redis.kill9();
  await waitFor("the queue to be seen as away", () =>
    add("meanwhile").then(
      () => false,
      (error: unknown) => error instanceof QueueUnavailableError,
    ),
  );
  const endsAt = performance.now() + OUTAGE_MS;
  await waitFor("the outage to last", () => performance.now() >= endsAt, OUTAGE_MS * 2);
  await redis.restart();
  await reached();
  await add("after");
  await isGreeted("after");
}, 120_000);

test("a frozen Redis makes adding fail within its deadline; workers go on when it thaws", async () => {
  await worker();
  await add("before");
  await isGreeted("before");
  redis.freeze();
  await expect(add("meanwhile")).rejects.toThrow();
  redis.thaw();
  await reached();
  await add("after");
  await isGreeted("after");
});

test("a Redis that comes back empty has its schedules again", async () => {
  await worker();
  const schedule = jobs.queue(QUEUE).schedule(greet, { everyMs: 100, data: { who: "clock" } });
  await started(schedule);
  await isGreeted("clock");
  await redis.kill9();
  await redis.wipe();
  await redis.restart();
  greeted = [];
  await isGreeted("clock");
});

test("what connects before there is a Redis works once there is one", async () => {
  await redis.kill9();
  await jobs.close();
  jobs = connectJobs({ url: redis.url, name: "jobs-test", log, prefix: PREFIX });
  await worker();
  await expect(add("too early")).rejects.toThrow(QueueUnavailableError);
  await redis.restart();
  await reached();
  await add("in time");
  await isGreeted("in time");
});

test("a stop ends within its deadline while Redis is away", async () => {
  const service = await worker();
  await redis.kill9();
  await service.stop();
  await jobs.close();
});
