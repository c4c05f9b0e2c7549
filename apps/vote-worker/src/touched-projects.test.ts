import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { QUEUES } from "@votesync/core";
import { connectJobs, handles, type Jobs, MAX_PROJECTS_PER_JOB, votesAppliedJob } from "@votesync/jobs";
import { createLogger } from "@votesync/service-kit";
import { OwnRedis, waitFor } from "@votesync/testkit";
import { TouchedProjects } from "./touched-projects.js";

const log = createLogger({ service: "touched-projects-test", level: "silent" });

let redis: OwnRedis;
let jobs: Jobs;

beforeEach(async () => {
  redis = await OwnRedis.start();
  jobs = connectJobs({ url: redis.url, name: "touched-projects-test", log });
  await reached();
});
afterEach(async () => {
  await jobs.close();
  await redis.remove();
});

const queue = () => jobs.queue(QUEUES.sideEffects);
const reached = () => waitFor("the queue", async () => (await queue().counts()) !== undefined);
const ids = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);

/** The ids of all jobs, each job's apart. */
async function told(): Promise<string[][]> {
  const found: string[][] = [];
  const worker = jobs.worker(QUEUES.sideEffects, [
    handles(votesAppliedJob, async ({ projectIds }) => void found.push(projectIds)),
  ]);
  await worker.start();
  await waitFor("all jobs to be done", async () => {
    const { waiting, active } = await queue().counts();
    return waiting + active === 0;
  });
  await worker.stop();
  return found;
}

test("projects touched often are told once, a thousand a job", async () => {
  const touched = new TouchedProjects(queue());
  for (let round = 0; round < 3; round++) touched.remember(ids(2_500));
  expect([await touched.tell(), await touched.tell(), await touched.tell(), await touched.tell()]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const found = await told();
  expect(found.map(({ length }) => length)).toEqual([MAX_PROJECTS_PER_JOB, MAX_PROJECTS_PER_JOB, 500]);
  expect(found.flat().sort()).toEqual(ids(2_500).sort());
});

test("nothing touched makes no job", async () => {
  expect(await new TouchedProjects(queue()).tell()).toBe(false);
  expect((await queue().counts()).waiting).toBe(0);
});

test("while Redis is away the projects stay, and are told when it is back", async () => {
  const touched = new TouchedProjects(queue());
  touched.remember(["a"]);
  await redis.kill9();
  await expect(touched.tell()).rejects.toThrow();
  touched.remember(["b"]);
  await redis.restart();
  await reached();
  await touched.tell();
  expect((await told()).flat().sort()).toEqual(["a", "b"]);
});

test("no more are remembered than the bound, and no jobs are piled up where nobody does them", async () => {
  const touched = new TouchedProjects(queue(), 200);
  for (let round = 0; round < 150; round++) {
    touched.remember([`r${round}`]);
    await touched.tell();
  }
  expect((await queue().counts()).waiting).toBe(100);
  touched.remember(ids(500));
  await told();
  await touched.tell();
  expect((await told()).flat()).toHaveLength(200);
});

test("what was touched last is told at the stop", async () => {
  const touched = new TouchedProjects(queue());
  const loop = touched.loop(log);
  await loop.start();
  touched.remember(["a"]);
  await loop.stop();
  expect((await told()).flat()).toEqual(["a"]);
});
