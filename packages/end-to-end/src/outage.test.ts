/** A store goes away under running services and comes back: clear answers meanwhile, nothing lost, no restart of ours. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { OwnPostgres, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, type JsonAnswer, postJson } from "./installation.js";
import { expectSameCounters, settled } from "./vote-load.js";

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

/** Waits until a vote, that of "after", goes the fast way. */
async function throughRedis(api: ServiceProcess): Promise<void> {
  await waitFor("votes to go through Redis again", async () => {
    const { status, body } = await vote(api, "after");
    return status === 200 && body.data.degraded === undefined;
  });
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

test("Redis killed: votes are taken without it, and every one is there when it is back", async () => {
  installation = await Installation.create();
  const api = await installation.start("vote-api");
  await installation.createProjects(api, [PROJECT]);
  await votes(api, users("before", 20));

  await installation.redisServer.kill9();
  const meanwhile = await vote(api, "meanwhile");
  // What Redis had and no worker has applied, PostgreSQL does not know yet.
  expect(meanwhile.body.data).toMatchObject({ degraded: true, action: "created", user_vote: "up" });
  expect(meanwhile.headers.get("ratelimit-remaining")).toBe("4");
  expect(await getJson(`${api.url}/readyz`)).toMatchObject({ status: 200, body: { status: "degraded" } });
  expect((await getJson(`${api.url}/api/projects/${PROJECT}`)).status).toBe(200);

  await installation.redisServer.restart();
  await installation.start("vote-worker");
  await throughRedis(api);
  await settled(installation);
  expect(await installation.query("SELECT upvotes::int FROM projects")).toEqual([{ upvotes: 22 }]);
  await expectSameCounters(installation);
});

test("the fallback keeps the rules: limit, Idempotency-Key, unknown projects, votes taken back", async () => {
  installation = await Installation.create();
  const api = await installation.start("vote-api");
  await installation.start("vote-worker");
  await installation.createProjects(api, [PROJECT]);
  await installation.redisServer.kill9();
  const token = await testToken("ann");
  const send = (voteType: string, key?: string) =>
    postJson(
      `${api.url}/api/votes`,
      token,
      { project_id: PROJECT, vote_type: voteType },
      key === undefined ? {} : { "idempotency-key": key },
    );

  const first = await send("up", "k1");
  const again = await send("up", "k1");
  expect(again.body).toEqual(first.body);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await send("down", "k1")).status).toBe(422);
  expect((await send("up")).body.data).toMatchObject({ action: "unchanged", upvotes: 1, degraded: true });
  expect((await send("down")).body.data).toMatchObject({ action: "changed", upvotes: 0, downvotes: 1 });
  expect((await send("none")).body.data).toMatchObject({ action: "removed", downvotes: 0, user_vote: null });
  const fifth = await send("up");
  expect([fifth.status, fifth.headers.get("ratelimit-remaining")]).toEqual([200, "0"]);
  const sixth = await send("down");
  expect([sixth.status, sixth.body.title]).toEqual([429, "Too many vote attempts. Please wait a moment."]);
  expect(Number(sixth.headers.get("retry-after"))).toBeGreaterThan(0);
  const unknown = { project_id: "nowhere", vote_type: "up" };
  expect((await postJson(`${api.url}/api/votes`, token, unknown)).status).toBe(404);

  const status = await getJson(`${api.url}/api/votes/status/${first.body.data.request_id}`, token);
  expect(status.body.data).toMatchObject({ state: "persisted", action: "created" });
  // Redis learns the answer to the key: the same request is the same answer there too.
  await installation.redisServer.restart();
  await throughRedis(api);
  await settled(installation);
  const later = await send("up", "k1");
  const { degraded: _, ...data } = first.body.data;
  expect([later.body.data, later.headers.get("idempotency-replayed")]).toEqual([data, "true"]);
});

test("Redis frozen: the vote is taken without it in time, and what Redis does later changes nothing", async () => {
  installation = await Installation.create();
  const api = await installation.start("vote-api");
  await installation.start("vote-worker");
  await installation.createProjects(api, [PROJECT]);
  await votes(api, ["before"]);
  await installation.drained();

  installation.redisServer.freeze();
  expect((await vote(api, "ann")).body.data).toMatchObject({ degraded: true, action: "created", upvotes: 2 });
  expect((await vote(api, "ann", "down")).body.data).toMatchObject({ degraded: true, action: "changed", upvotes: 1 });
  installation.redisServer.thaw();
  await throughRedis(api);
  await settled(installation);
  expect((await getJson(`${api.url}/api/projects/${PROJECT}`)).body).toMatchObject({ upvotes: 2, downvotes: 1 });
  await expectSameCounters(installation);
});

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
});
