/** What follows from votes besides their rows, on real processes: few jobs, everybody told once, whoever is killed. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { QUEUE_PREFIX, QUEUES, wilsonLowerBound } from "@votesync/core";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postVote } from "./installation.js";

const USERS = 100;
const PROJECTS = Array.from({ length: 100 }, (_, i) => `storm:${i}`);
const CLIENTS = 20;
const OWNER = "owner";

let installation: Installation;
let api: ServiceProcess;

beforeEach(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0", SIDE_EFFECTS_SWEEP_MS: "500" });
  api = await installation.start("vote-api");
  await installation.createProjects(api, PROJECTS);
});
afterEach(() => installation.remove());

/** Every user votes each project up. */
async function storm(): Promise<void> {
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => testToken(`voter${i}`)));
  const votes = tokens.flatMap((token) => PROJECTS.map((project_id) => ({ token, project_id })));
  const client = async () => {
    for (let vote = votes.pop(); vote !== undefined; vote = votes.pop()) {
      const { token, project_id } = vote;
      const { status } = await postVote(api, token, { project_id, vote_type: "up" });
      expect(status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** One sweep, at the start: what is done afterwards is done by jobs of workers. */
const ONE_SWEEP = { SIDE_EFFECTS_SWEEP_MS: "3600000" };

/** Jobs that were ever added, sweeps too. */
const jobsAdded = async () => Number(await installation.redis.get(`${QUEUE_PREFIX}:${QUEUES.sideEffects}:id`));

const countOf = async (where: string) =>
  (await installation.query<{ n: number }>(`SELECT count(*)::int AS n FROM notifications WHERE ${where}`))[0]?.n;

async function everybodyTold(): Promise<void> {
  await waitFor(
    "every owner to be told of the last milestone",
    async () => (await countOf("milestone = 100 AND pushed_at IS NOT NULL")) === PROJECTS.length,
    60_000,
  );
  expect(await countOf("kind = 'first_vote'")).toBe(PROJECTS.length);
  const upvotes = USERS * PROJECTS.length;
  const token = await testToken(OWNER);
  const shown = await waitFor("the owner's score to be right", async () => {
    const { body } = await getJson(`${api.url}/api/owners/${OWNER}`, token);
    return body.upvotes === upvotes && body;
  });
  expect(shown).toEqual({
    owner_id: OWNER,
    projects: PROJECTS.length,
    upvotes,
    downvotes: 0,
    score: expect.closeTo(wilsonLowerBound({ upvotes, downvotes: 0 }), 9),
  });
}

test("a storm of 10,000 votes makes tens of jobs, and every owner is told once", async () => {
  await Promise.all([
    installation.start("vote-worker"),
    installation.start("vote-worker"),
    installation.start("sync-scheduler", ONE_SWEEP),
  ]);
  await storm();
  await installation.drained();
  await everybodyTold();
  const jobs = await jobsAdded();
  expect(jobs).toBeGreaterThan(0);
  // About one a second, and on a busy machine the storm takes longer.
  expect(jobs).toBeLessThan(300);
}, 240_000);

test("a worker and a scheduler killed in the middle of it: others do it, and every owner is told once", async () => {
  const [worker, , scheduler] = await Promise.all([
    installation.start("vote-worker"),
    installation.start("vote-worker"),
    installation.start("sync-scheduler"),
    installation.start("sync-scheduler"),
  ]);
  const voting = storm();
  await waitFor("side effects to begin", async () => ((await countOf("true")) ?? 0) > 0);
  await Promise.all([worker?.kill9(), scheduler?.kill9()]);
  await voting;
  await installation.drained();
  await everybodyTold();
}, 240_000);

test("Redis away meanwhile: what was remembered is told when it is back", async () => {
  await installation.start("vote-worker");
  await installation.start("sync-scheduler", ONE_SWEEP);
  const project_id = PROJECTS[0] as string;
  const vote = async (user: string) => postVote(api, await testToken(user), { project_id, vote_type: "up" });
  expect((await vote("ann")).status).toBe(200);
  await installation.drained();
  await installation.redisServer.kill9();
  await installation.redisServer.restart();
  await waitFor("the owner to be told", async () => (await countOf("pushed_at IS NOT NULL")) === 1, 60_000);
});
