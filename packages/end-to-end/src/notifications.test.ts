/** The routes of notifications, owners and jobs, as their callers see them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { QUEUES } from "@votesync/core";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";

interface Shown {
  id: string;
  kind: string;
  project_id: string;
  text: string;
  created_at: string;
  read_at: string | null;
}

interface Page {
  notifications: Shown[];
  unread: number;
  next_cursor: string | null;
}

let installation: Installation;
let api: ServiceProcess;

beforeAll(async () => {
  installation = await Installation.create();
  api = await installation.start("vote-api");
  await installation.createProjects(api, ["n1"]);
});
afterAll(() => installation.remove());

/** 25 of ann's, the newest last; some at the same instant. One of ben's. */
beforeEach(async () => {
  await installation.query("DELETE FROM notifications");
  await installation.query(
    `INSERT INTO notifications (user_id, kind, project_id, milestone, text, created_at)
     SELECT 'ann', 'milestone', 'n1', i, 'text ' || i, to_timestamp(1700000000 + i / 3) FROM generate_series(1, 25) AS i
     UNION ALL SELECT 'ben', 'first_vote', 'n1', 1, 'for ben', now()`,
  );
});

async function page(user: string, query = ""): Promise<Page> {
  const { status, body } = await getJson(`${api.url}/api/notifications${query}`, await testToken(user));
  expect(status).toBe(200);
  return body as unknown as Page;
}

async function read(user: string, body: object): Promise<{ status: number; body: unknown }> {
  return postJson(`${api.url}/api/notifications/read`, await testToken(user), body);
}

test("pages hold each of one's own once, newest first", async () => {
  const seen: Shown[] = [];
  let query = "?limit=10";
  for (let pages = 0; pages < 3; pages++) {
    const { notifications, unread, next_cursor } = await page("ann", query);
    expect(unread).toBe(25);
    seen.push(...notifications);
    expect(next_cursor === null).toBe(pages === 2);
    query = `?limit=10&cursor=${next_cursor}`;
  }
  expect(new Set(seen.map(({ id }) => id)).size).toBe(25);
  expect(seen.map(({ created_at }) => created_at)).toEqual(
    seen
      .map(({ created_at }) => created_at)
      .sort()
      .reverse(),
  );
  expect(seen[0]).toEqual({
    id: expect.any(String),
    kind: "milestone",
    project_id: "n1",
    text: expect.any(String),
    created_at: expect.any(String),
    read_at: null,
  });
});

test("what was read is counted once, is left out when only unread ones are asked for, and stays in the list", async () => {
  const { notifications } = await page("ann", "?limit=2");
  const ids = notifications.map(({ id }) => id);
  expect(await read("ann", { ids })).toMatchObject({ status: 200, body: { read: 2 } });
  expect(await read("ann", { ids })).toMatchObject({ status: 200, body: { read: 0 } });
  const unread = await page("ann", "?unread=true&limit=100");
  expect([unread.unread, unread.notifications.length]).toEqual([23, 23]);
  expect((await page("ann", "?limit=2")).notifications.map(({ read_at }) => read_at)).not.toContain(null);
  expect(await read("ann", { all: true })).toMatchObject({ body: { read: 23 } });
  expect(await page("ann", "?unread=true")).toEqual({ notifications: [], unread: 0, next_cursor: null });
});

test("somebody else's are neither shown nor touched, nor told apart from those that do not exist", async () => {
  const [own] = (await page("ben")).notifications;
  const ids = [own?.id, "00000000-0000-4000-8000-000000000000"];
  expect(await read("ann", { ids })).toMatchObject({ status: 200, body: { read: 0 } });
  expect(await read("ann", { all: true })).toMatchObject({ body: { read: 25 } });
  expect(await page("ben")).toMatchObject({ unread: 1, notifications: [{ id: own?.id, read_at: null }] });
});

describe("wrong questions", () => {
  const forged = Buffer.from('{"created_at":"yesterday","id":"1"}').toString("base64url");
  test.each([
    "?limit=0",
    "?limit=101",
    "?limit=ten",
    "?cursor=!",
    `?cursor=${forged}`,
    "?unread=maybe",
    "?user_id=ben",
  ])("GET /api/notifications%s is refused in words", async (query) => {
    const { status, body } = await getJson(`${api.url}/api/notifications${query}`, await testToken("ann"));
    expect({ status, body }).toMatchObject({ status: 400, body: { status: 400, title: "Bad Request" } });
  });

  test.each<[string, object]>([
    ["nothing", {}],
    ["both", { ids: ["00000000-0000-4000-8000-000000000000"], all: true }],
    ["all: false", { all: false }],
    ["no ids", { ids: [] }],
    ["an id that is none", { ids: ["1'; DROP TABLE notifications"] }],
    ["101 ids", { ids: Array.from({ length: 101 }, () => "00000000-0000-4000-8000-000000000000") }],
    ["somebody else's name", { all: true, user_id: "ben" }],
    ["an array", []],
  ])("marking %s is refused", async (_what, body) => {
    expect((await read("ann", body)).status).toBe(400);
    expect((await page("ann")).unread).toBe(25);
  });

  test("without a token both are refused", async () => {
    expect((await getJson(`${api.url}/api/notifications`)).status).toBe(401);
    expect((await postJson(`${api.url}/api/notifications/read`, "nonsense", { all: true })).status).toBe(401);
  });
});

test("an owner is known by having a project, and shown without votes too", async () => {
  expect(await getJson(`${api.url}/api/owners/owner`)).toMatchObject({
    status: 200,
    body: { owner_id: "owner", projects: 1, upvotes: 0, downvotes: 0, score: 0 },
  });
  for (const id of ["nobody", "%00", "a".repeat(256), "%E2%80%A8"]) {
    expect((await getJson(`${api.url}/api/owners/${id}`)).status).toBe(404);
  }
  expect((await getJson(`${api.url}/api/owners/%zz`)).status).toBe(400);
});

test("jobs are shown to admins only; while Redis is away the answer is 503", async () => {
  const asked = async (claims: { role?: string }) =>
    getJson(`${api.url}/api/votes/jobs`, await testToken("root", claims));
  expect((await getJson(`${api.url}/api/votes/jobs`)).status).toBe(401);
  expect((await asked({})).status).toBe(403);
  const { body } = await waitFor("queues", async () => {
    const answer = await asked({ role: "admin" });
    return answer.status === 200 && answer;
  });
  expect(body).toEqual({
    queues: Object.values(QUEUES).map((queue) => ({ queue, waiting: 0, active: 0, delayed: 0, failed: 0 })),
    running: [],
  });
  await installation.redisServer.kill9();
  await waitFor("the answer to say so", async () => (await asked({ role: "admin" })).status === 503);
  await installation.redisServer.restart();
  await waitFor("queues again", async () => (await asked({ role: "admin" })).status === 200);
});
