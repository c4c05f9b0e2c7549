/** Dead letters as operators meet them: over HTTP, on the command line, and as the state of a request. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";

const PROJECT = "p1";
const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const run = promisify(execFile);

let installation: Installation;
let api: ServiceProcess;
let admin: string;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  await installation.createProjects(api, [PROJECT]);
  admin = await testToken("root", { role: "admin" });
});
beforeEach(async () => {
  await installation.query("DELETE FROM dead_letters");
});
afterAll(() => installation.remove());

/** A letter as a worker leaves it; without a user it holds nothing that could be read. */
async function letter(n: number, userId?: string): Promise<string> {
  const shard = installation.names.shardOf(PROJECT);
  const values = [1, "vote", `${shard}.r${n}`, PROJECT, 0, userId, "created", "up", "none", 0, n + 1, 1, 0, n];
  const fields = userId === undefined ? ["a", "b"] : ["e", values.join("\n")];
  await installation.query(
    `INSERT INTO dead_letters (shard, stream_id, fields, project_id, user_id, error, attempts, created_at, withdrawn_at)
     VALUES ($1, $2, $3, $4, $5, 'refused', 4, 'epoch'::timestamptz + $6 * interval '1 second', now())`,
    [shard, `${n}-0`, fields, userId && PROJECT, userId, n],
  );
  return `${shard}.${n}-0`;
}

interface Page {
  dead_letters: { id: string; event: object | null; resolution: string | null }[];
  next_cursor: string | null;
}

const address = (rest = "") => `${api.url}/api/votes/dead-letters${rest}`;
const list = async (query = "") => (await getJson(address(query), admin)).body as unknown as Page;
const idsOf = ({ dead_letters }: Page) => dead_letters.map(({ id }) => id);
const send = async (method: string, path: string, token = admin) =>
  fetch(address(path), { method, headers: { authorization: `Bearer ${token}` } });

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: installation.database.url,
    REDIS_URL: installation.redisServer.url,
  };
  try {
    const { stdout, stderr } = await run(process.execPath, [CLI, "votes", "dead-letters", ...args], { env });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

test("only admins may see and touch dead letters", async () => {
  const id = await letter(1, "eve");
  const eve = await testToken("eve");
  for (const [method, path] of [
    ["GET", ""],
    ["GET", `/${id}`],
    ["DELETE", `/${id}`],
    ["POST", `/${id}/replay`],
  ] as const) {
    expect((await send(method, path, eve)).status).toBe(403);
    expect((await fetch(address(path), { method })).status).toBe(401);
  }
  expect(await list()).toMatchObject({ dead_letters: [{ resolution: null }] });
});

test("the list has what is unresolved, newest first, in pages; all of it when asked", async () => {
  const ids = [];
  for (let n = 1; n <= 5; n++) ids.unshift(await letter(n, `user${n}`));
  expect((await send("DELETE", `/${ids[0]}`)).status).toBe(200);
  const first = await list("?limit=3");
  expect(idsOf(first)).toEqual(ids.slice(1, 4));
  const second = await list(`?limit=3&cursor=${first.next_cursor}`);
  expect([idsOf(second), second.next_cursor]).toEqual([ids.slice(4), null]);
  expect(idsOf(await list("?all=true"))).toEqual(ids);
});

test("a letter says what it holds, also when that cannot be read", async () => {
  const [readable, broken] = [await letter(1, "eve"), await letter(2)];
  expect((await getJson(address(`/${readable}`), admin)).body).toMatchObject({
    id: readable,
    user_id: "eve",
    error: "refused",
    attempts: 4,
    withdrawn: true,
    event: { kind: "vote", user_id: "eve", vote_type: "up" },
  });
  expect((await getJson(address(`/${broken}`), admin)).body).toMatchObject({ event: null, fields: ["a", "b"] });
  const replay = await send("POST", `/${broken}/replay`);
  expect([replay.status, await replay.json()]).toMatchObject([422, { detail: expect.stringContaining("drop it") }]);
});

test.each([
  ["GET", "?limit=0", 400],
  ["GET", "?limit=101", 400],
  ["GET", "?all=yes", 400],
  ["GET", "?cursor=nonsense", 400],
  ["GET", `?cursor=${Buffer.from('{"at":"2026-11-23T10:00:00.000Z","id":"x"}').toString("base64url")}`, 400],
  ["GET", "?page=2", 400],
  ["GET", "/1.2-3", 404],
  ["GET", "/nonsense", 404],
  ["DELETE", "/9999.1-1", 404],
  ["POST", "/1.2-3/replay", 404],
  ["PUT", "/1.2-3", 405],
  ["GET", "/1.2-3/replay", 405],
])("%s %s is answered %i", async (method, path, status) => {
  const answer = await send(method, path);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    status,
    expect.stringContaining("application/problem+json"),
  ]);
});

test("dropping is done once, and a dropped letter is not replayed", async () => {
  const id = await letter(1, "eve");
  for (let i = 0; i < 2; i++) expect((await send("DELETE", `/${id}`)).status).toBe(200);
  expect((await send("POST", `/${id}/replay`)).status).toBe(409);
});

test("a replay over HTTP is an ordinary vote without a limit", async () => {
  const id = await letter(1, "http-voter");
  const answer = await send("POST", `/${id}/replay`);
  expect(await answer.json()).toMatchObject({ resolution: "replayed", replay_request_id: expect.any(String) });
  expect((await getJson(`${api.url}/api/projects/${PROJECT}`)).body.upvotes).toBe(1);
});

test("the command line lists, shows, drops and replays, and says with its exit code how that went", async () => {
  const ids = [await letter(1, "ann"), await letter(2, "bob"), await letter(3)];
  const listed = await cli("list", "--json");
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.out).map(({ id }: { id: string }) => id)).toEqual(ids.toReversed());
  expect((await cli("list")).out).toContain("refused");
  expect(JSON.parse((await cli("show", ids[0] as string)).out)).toMatchObject({ user_id: "ann" });

  expect(await cli("replay", ids[0] as string)).toMatchObject({ code: 0, out: expect.stringContaining("replayed") });
  expect(await cli("replay", ids[0] as string)).toMatchObject({ code: 1, err: expect.stringContaining("resolved") });
  const all = await cli("replay", "--all", "--json");
  expect(all.code).toBe(1);
  expect(JSON.parse(all.out)).toMatchObject([
    { failure: expect.stringContaining("drop it") },
    { resolution: "replayed" },
  ]);
  expect((await cli("drop", ids[2] as string)).code).toBe(0);
  expect(await cli("replay", "--all")).toMatchObject({ code: 0, out: "no dead letters\n" });
  for (const misused of [["replay"], ["replay", "--all", ids[0] as string], ["show", "nonsense"], ["sing"]]) {
    expect((await cli(...misused)).code).toBe(2);
  }
  expect(await cli("show", "1.2-3")).toMatchObject({ code: 1, err: expect.stringContaining("no such dead letter") });
}, 240_000);

test("a vote that waits for its retry is failed, is not called committed, and says so in words for voters", async () => {
  await installation.start("vote-worker");
  await installation.query("ALTER TABLE votes ADD CONSTRAINT poison CHECK (user_id <> 'eve')");
  const eve = await testToken("eve");
  const vote = { project_id: PROJECT, vote_type: "up", durability: "committed" };
  const answer = await postJson(`${api.url}/api/votes`, eve, vote);
  expect([answer.status, answer.body.data.state]).toEqual([202, "pending"]);
  const id = answer.body.data.request_id;
  const status = async (token: string) => (await getJson(`${api.url}/api/votes/status/${id}`, token)).body.data;
  await waitFor("the first try to fail", async () => (await status(eve)).state === "failed");
  expect(await status(eve)).toMatchObject({ state: "failed", error: expect.stringContaining("tried again") });
  expect(await status(admin)).toMatchObject({ state: "failed", error: expect.stringContaining("poison") });
  expect((await getJson(`${api.url}/api/votes/status/${id}`, await testToken("ann"))).status).toBe(404);
  // Redis keeps a request for an hour; the rows know it for good.
  await installation.redis.del(installation.names.request(installation.names.shardOf(PROJECT), id));
  expect(await status(eve)).toMatchObject({ state: "failed", project_id: PROJECT, action: "created" });
  await installation.query("ALTER TABLE votes DROP CONSTRAINT poison");
  // At the second retry, should the first have come before the fix.
  const persisted = await waitFor(
    "a retry",
    async () => {
      const now = await status(eve);
      return now.state === "persisted" && now;
    },
    60_000,
  );
  expect(persisted).toMatchObject({ state: "persisted", error: null, reconciled: false });
});
