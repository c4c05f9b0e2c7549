/** A user's own votes and an operator's figures, over two replicas, also while a store is away. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";

const PROJECTS = Array.from({ length: 7 }, (_, i) => `own:${i}`);
const [FIRST = "", SECOND = ""] = PROJECTS;

let installation: Installation;
let apis: ServiceProcess[];
let worker: ServiceProcess;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  apis = [await installation.start("vote-api"), await installation.start("vote-api")];
  worker = await installation.start("vote-worker");
  await installation.createProjects(apis[0] as ServiceProcess, PROJECTS);
});
afterAll(() => installation.remove());

const api = (replica: number) => apis[replica] as ServiceProcess;
const vote = async (user: string, project_id: string, vote_type: string, replica = 0) =>
  postJson(`${api(replica).url}/api/votes`, await testToken(user), { project_id, vote_type });

interface OwnVotes {
  votes: Record<string, string>;
  upvotes: string[];
  downvotes: string[];
  next_cursor: string | null;
}

async function own(user: string, query = "", replica = 1): Promise<OwnVotes> {
  const { status, body } = await getJson(`${api(replica).url}/api/votes/user${query}`, await testToken(user));
  expect(status).toBe(200);
  return body.data as unknown as OwnVotes;
}

test("right after a vote, on the other replica, with the worker stopped: some, and all", async () => {
  process.kill(worker.pid, "SIGSTOP");
  await vote("ann", FIRST, "up");
  await vote("ann", SECOND, "down");
  expect(await own("ann", `?project_ids=${FIRST},${SECOND},${PROJECTS[2]},nowhere`)).toEqual({
    votes: { [FIRST]: "up", [SECOND]: "down" },
    upvotes: [FIRST],
    downvotes: [SECOND],
    next_cursor: null,
  });
  expect(await own("ann")).toMatchObject({ votes: { [FIRST]: "up", [SECOND]: "down" } });
  await vote("ann", FIRST, "none");
  expect(await own("ann")).toMatchObject({ votes: { [SECOND]: "down" }, upvotes: [] });
  expect(await own("ann", `?project_ids=${FIRST}`)).toMatchObject({ votes: {} });
  expect(await own("bob")).toEqual({ votes: {}, upvotes: [], downvotes: [], next_cursor: null });
  process.kill(worker.pid, "SIGCONT");
  await installation.drained();
  expect(await own("ann")).toMatchObject({ votes: { [SECOND]: "down" } });
});

test("page by page, rows and votes that are no rows yet in one order", async () => {
  for (const project of PROJECTS.slice(0, 4)) await vote("cem", project, "up");
  await installation.drained();
  process.kill(worker.pid, "SIGSTOP");
  for (const project of PROJECTS.slice(4)) await vote("cem", project, "down");
  await vote("cem", SECOND, "none");
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: OwnVotes = await own("cem", `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
    seen.push(...Object.keys(page.votes));
    cursor = page.next_cursor;
  }
  process.kill(worker.pid, "SIGCONT");
  expect(seen).toEqual(PROJECTS.filter((id) => id !== SECOND));
});

test("wrong questions are answered in words", async () => {
  const token = await testToken("ann");
  for (const query of ["?project_ids=", "?project_ids=a b", "?limit=0", "?cursor=nonsense", "?user=bob"]) {
    expect((await getJson(`${api(0).url}/api/votes/user${query}`, token)).status).toBe(400);
  }
  expect((await getJson(`${api(0).url}/api/votes/user`)).status).toBe(401);
});

test("figures are of all replicas together, and for admins alone", async () => {
  const admin = await testToken("root", { role: "admin" });
  const figures = async (replica: number) =>
    (await getJson(`${api(replica).url}/api/votes/metrics`, admin)).body as unknown as Record<string, number>;
  await waitFor(
    "both replicas to have added up",
    async () => (await figures(0)).total_votes === (await figures(1)).total_votes,
  );
  const before = await figures(0);
  for (let i = 0; i < 10; i++) await vote("dan", FIRST, i % 2 === 0 ? "up" : "none", i % 2);
  expect((await vote("dan", "nowhere", "up")).status).toBe(404);
  const after = await waitFor("all votes to be counted", async () => {
    const found = await figures(1);
    return found.total_votes === Number(before.total_votes) + 10 && found;
  });
  expect(after).toMatchObject({ total_errors: 0, success_rate: 100, replicas: "all", dead_letters: 0 });
  for (const name of ["avg_latency_ms", "last_latency_ms", "p50_ms", "p95_ms", "p99_ms"]) {
    expect(after[name]).toBeGreaterThan(0);
  }
  await installation.drained();
  expect(await figures(0)).toMatchObject({ queue_depth: 0, worker_lag_ms: 0 });
  process.kill(worker.pid, "SIGSTOP");
  await vote("dan", FIRST, "up");
  expect(await figures(0)).toMatchObject({ queue_depth: 1 });
  process.kill(worker.pid, "SIGCONT");
  expect((await getJson(`${api(0).url}/api/votes/metrics`, await testToken("ann"))).status).toBe(403);
});

test("analytics count what happened, for the owner", async () => {
  for (const wish of ["up", "down", "none", "up"]) await vote("eve", PROJECTS[6] as string, wish);
  await installation.drained();
  const owner = await testToken("owner");
  const ask = async (query: string, token = owner) =>
    getJson(`${api(0).url}/api/votes/analytics?project_id=${PROJECTS[6]}${query}`, token);
  const { status, body } = await ask("&bucket=minute");
  expect(status).toBe(200);
  const { totals, buckets } = body as unknown as { totals: object; buckets: { at: string; casts: number }[] };
  // Cem voted on it too, above.
  expect(totals).toEqual({ casts: 3, changes: 1, removals: 1 });
  expect(buckets).toHaveLength(24 * 60 + 1);
  expect(buckets.reduce((sum, { casts }) => sum + casts, 0)).toBe(3);
  expect((await ask("&from=2020-01-01&to=2020-01-03&bucket=day")).body).toMatchObject({
    buckets: [{ at: "2020-01-01T00:00:00.000Z", casts: 0 }, { at: "2020-01-02T00:00:00.000Z" }],
  });
  expect((await ask("", await testToken("ann"))).status).toBe(403);
  for (const wrong of [
    "&from=2020-02-30",
    "&from=2021-01-01&to=2020-01-01",
    "&from=1990-01-01&bucket=minute",
    "&bucket=week",
  ]) {
    expect((await ask(wrong)).status).toBe(400);
  }
});

test("while Redis is away PostgreSQL tells, votes that went past Redis included; both stores' newest counts when it is back", async () => {
  await vote("fay", FIRST, "up");
  await installation.drained();
  await installation.redisServer.kill9();
  expect((await vote("fay", SECOND, "down")).body.data).toMatchObject({ degraded: true });
  expect(await own("fay", `?project_ids=${FIRST},${SECOND}`)).toMatchObject({
    votes: { [FIRST]: "up", [SECOND]: "down" },
  });
  expect(await own("fay")).toMatchObject({ votes: { [FIRST]: "up", [SECOND]: "down" } });
  await installation.redisServer.restart();
  await waitFor(
    "votes to go through Redis again",
    async () => (await vote("gus", FIRST, "up")).body.data.degraded === undefined,
  );
  expect(await own("fay", `?project_ids=${SECOND}`)).toMatchObject({ votes: { [SECOND]: "down" } });
});
