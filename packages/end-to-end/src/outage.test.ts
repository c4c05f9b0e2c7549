/** A store goes away under running services and comes back: clear answers meanwhile, nothing lost, no restart of ours. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { OwnPostgres, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, type JsonAnswer, postJson } from "./installation.js";

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const PROJECT = "outage-1";

let installation: Installation | undefined;
let ownPostgres: OwnPostgres | undefined;

afterEach(async () => {
  await installation?.remove();
  await ownPostgres?.remove();
  installation = undefined;
  ownPostgres = undefined;
});

async function vote(api: ServiceProcess, user: string, voteType = "up"): Promise<JsonAnswer> {
  return postJson(`${api.url}/api/votes`, await testToken(user), { project_id: PROJECT, vote_type: voteType });
}

async function votes(api: ServiceProcess, users: string[]): Promise<void> {
  for (const user of users) expect((await vote(api, user)).status).toBe(200);
}

const users = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

function expectUnavailable({ status, headers, body }: JsonAnswer): void {
  expect({ status, type: headers.get("content-type") }).toEqual({
    status: 503,
    type: "application/problem+json; charset=utf-8",
  });
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  expect(body).toMatchObject({ status: 503, title: "Service Unavailable", instance: "/api/votes" });
}

test("Redis killed: votes are refused in words, and every vote answered before is there when it is back", async () => {
  installation = await Installation.create();
  const api = await installation.start("vote-api");
  await installation.createProjects(api, [PROJECT]);
  await votes(api, users("before", 20));

  await installation.redisServer.kill9();
  expectUnavailable(await vote(api, "meanwhile"));
  expect((await getJson(`${api.url}/readyz`)).status).toBe(503);
  // What PostgreSQL knows can still be read.
  expect((await getJson(`${api.url}/api/projects/${PROJECT}`)).status).toBe(200);

  await installation.redisServer.restart();
  await waitFor("votes to be taken again", async () => (await vote(api, "after")).status === 200);
  await installation.start("vote-worker");
  await installation.drained();
  expect(await installation.query("SELECT upvotes::int FROM projects")).toEqual([{ upvotes: 21 }]);
}, 60_000);

test("Redis frozen: the answer still comes within its deadline, and the vote can be repeated", async () => {
  installation = await Installation.create();
  const api = await installation.start("vote-api");
  await installation.createProjects(api, [PROJECT]);
  await votes(api, ["before"]);

  installation.redisServer.freeze();
  expectUnavailable(await vote(api, "ann"));
  installation.redisServer.thaw();
  await waitFor("the vote to be taken", async () => (await vote(api, "ann")).status === 200);
  expect((await vote(api, "ann")).body.data).toMatchObject({ upvotes: 2, action: "unchanged" });
}, 60_000);

test("PostgreSQL killed: votes on loaded projects go on, and the worker catches up by itself", async () => {
  ownPostgres = await OwnPostgres.start();
  await promisify(execFile)(process.execPath, [CLI, "migrate"], { env: { DATABASE_URL: ownPostgres.url } });
  installation = await Installation.create({}, { url: ownPostgres.url, drop: async () => undefined });
  const api = await installation.start("vote-api");
  const worker = await installation.start("vote-worker");
  await installation.createProjects(api, [PROJECT, "cold"]);
  await votes(api, users("before", 10));

  await ownPostgres.kill9();
  await votes(api, users("meanwhile", 30));
  const cold = { project_id: "cold", vote_type: "up" };
  expectUnavailable(await postJson(`${api.url}/api/votes`, await testToken("ann"), cold));
  expect((await getJson(`${api.url}/readyz`)).body).toMatchObject({ status: "degraded" });
  expect((await getJson(`${worker.url}/readyz`)).status).toBe(503);

  const committed = { project_id: PROJECT, vote_type: "up", durability: "committed" };
  const pending = await postJson(`${api.url}/api/votes`, await testToken("patient"), committed);
  expect([pending.status, pending.body.data.state]).toEqual([202, "pending"]);

  await ownPostgres.restart();
  await waitFor("the worker to be ready again", async () => (await getJson(`${worker.url}/readyz`)).status === 200);
  await installation.drained();
  expect(await installation.query("SELECT upvotes::int FROM projects WHERE id = $1", [PROJECT])).toEqual([
    { upvotes: 41 },
  ]);
  expect((await postJson(`${api.url}/api/votes`, await testToken("ann"), cold)).status).toBe(200);

  // Told 200, a committed vote is a row.
  const { status } = await postJson(`${api.url}/api/votes`, await testToken("certain"), committed);
  const rows = await installation.query("SELECT vote_type FROM votes WHERE user_id = 'certain'");
  expect({ status, rows }).toEqual({ status: 200, rows: [{ vote_type: "up" }] });
}, 90_000);
