/** Pages by id on a database whose order of text is not the one of code units, which is the program's. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connectPostgres, ensureEventPartitions, ensureShards, migrate } from "@votesync/postgres-store";
import { createLinguisticDatabase, type ServiceProcess, testToken } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";

const SILENT = { info: () => undefined, warn: () => undefined };
/** In ICU's order a, a_z, a-b, ab, B, C, d; in code units B, C, a, a-b, a_z, ab, d. */
const PROJECTS = ["a", "B", "C", "d", "a_z", "ab", "a-b"];

let installation: Installation;
let api: ServiceProcess;
let worker: ServiceProcess;

beforeAll(async () => {
  const database = await createLinguisticDatabase();
  await migrate(database.url);
  const { pool, close } = connectPostgres({ url: database.url, name: "collation-test", log: SILENT });
  await ensureShards(pool, 8);
  await ensureEventPartitions(pool, new Date());
  await close();
  installation = await Installation.create({ VOTE_RATE_MAX: "0" }, database);
  api = await installation.start("vote-api");
  worker = await installation.start("vote-worker");
  await installation.createProjects(api, PROJECTS);
});
afterAll(() => installation.remove());

async function vote(user: string, projectIds: readonly string[], vote_type: string): Promise<void> {
  const token = await testToken(user);
  for (const project_id of projectIds) {
    expect((await postJson(`${api.url}/api/votes`, token, { project_id, vote_type })).status).toBe(200);
  }
}

interface Page {
  votes: Record<string, string>;
  next_cursor: string | null;
}

/** Ids page by page, as somebody who follows the cursors sees them. */
async function pagesOf(user: string, limit: number): Promise<string[][]> {
  const token = await testToken(user);
  const pages: string[][] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = `?limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { status, body } = await getJson(`${api.url}/api/votes/user${query}`, token);
    expect(status).toBe(200);
    const page = body.data as unknown as Page;
    pages.push(Object.keys(page.votes));
    cursor = page.next_cursor;
  }
  return pages;
}

const sorted = (pages: string[][]) => pages.flat().toSorted();

test("own votes that are rows: one a page, seven pages, each once", async () => {
  await vote("ann", PROJECTS, "up");
  await installation.drained();
  const pages = await pagesOf("ann", 1);
  expect(pages).toHaveLength(7);
  expect(sorted(pages)).toEqual(PROJECTS.toSorted());
});

test("own votes of which some are rows and some are not: the same, whatever the size of a page", async () => {
  await vote("bob", ["a", "C", "a_z", "a-b"], "up");
  await installation.drained();
  process.kill(worker.pid, "SIGSTOP");
  await vote("bob", ["B", "d", "ab", "C"], "down");
  await vote("bob", ["a_z"], "none");
  const left = PROJECTS.filter((id) => id !== "a_z").toSorted();
  for (const limit of [1, 2, 3, 10]) expect(sorted(await pagesOf("bob", limit))).toEqual(left);
  process.kill(worker.pid, "SIGCONT");
  await installation.drained();
  for (const limit of [1, 2, 3, 10]) expect(sorted(await pagesOf("bob", limit))).toEqual(left);
});
