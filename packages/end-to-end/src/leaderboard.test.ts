/** Leaderboards with real processes: votes give points, the sync brings them to PostgreSQL, an operator steers it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io, type Socket } from "socket.io-client";
import { Webhook } from "standardwebhooks";
import { votesync } from "./command-line.js";
import { getJson, Installation, postJson, postVote } from "./installation.js";
import { adminToken } from "./launches.js";

/** A run is waited for 60 s by the server. */
const RUN_DEADLINE_MS = 70_000;
const WEBHOOK_SECRET = "a secret of two parties, long enough for both";

let installation: Installation;
let api: ServiceProcess;
let scheduler: ServiceProcess;
let gateway: ServiceProcess;
let admin: string;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0", LEADERBOARD_SYNC_CRON: "0 0 1 1 *" });
  [api, scheduler, gateway] = await Promise.all([
    installation.start("vote-api"),
    installation.start("sync-scheduler"),
    installation.start("realtime-gateway"),
    installation.start("vote-worker"),
  ]);
  admin = await adminToken();
  // Their owner is "owner".
  await installation.createProjects(api, ["p1", "p2"]);
});
afterAll(() => installation.remove());

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects
  body: any;
}

const get = (path: string, token?: string): Promise<Answer> => getJson(`${api.url}/api${path}`, token);
const post = (path: string, body: object = {}, token = admin, headers = {}): Promise<Answer> =>
  postJson(`${api.url}/api${path}`, token, body, headers, RUN_DEADLINE_MS);
const vote = async (user: string, project_id: string, vote_type: string): Promise<Answer> =>
  postVote(api, await testToken(user), { project_id, vote_type });
const score = (user_id: string, points: number, headers = {}) =>
  post("/leaderboard/scores", { user_id, points }, admin, headers);
const pointsOf = async (user: string, period = "daily") => {
  const { body } = await get(`/leaderboard?period=${period}&limit=100`);
  return body.entries.find(({ user_id }: { user_id: string }) => user_id === user)?.points ?? null;
};
const rows = () =>
  installation.query<{ user_id: string; points: string }>(
    "SELECT user_id, points FROM leaderboard_entries WHERE period = 'yearly' ORDER BY user_id",
  );

/** A socket that watches the weekly board, and what it is told. */
async function watchWeekly() {
  const socket: Socket = io(gateway.url, { transports: ["websocket"], forceNew: true });
  const told: { period: string; entries: { user_id: string; points: number }[] }[] = [];
  socket.on("leaderboard:updated", (message) => told.push(message));
  return { socket, told, answer: await socket.timeout(30_000).emitWithAck("subscribe", { leaderboards: ["weekly"] }) };
}

test("votes give the owner points on four boards, and take them back; watchers of a board are told", async () => {
  const { socket, told, answer } = await watchWeekly();
  try {
    expect(answer).toMatchObject({
      ok: true,
      leaderboards: { weekly: { period: "weekly", entries: [] } },
      unknown: [],
    });
    await Promise.all(["ann", "bob", "cem"].map((user) => vote(user, "p1", "up")));
    await vote("ann", "p2", "down");
    await waitFor("three points", async () => (await pointsOf("owner")) === 3);
    for (const period of ["weekly", "monthly", "yearly"]) expect(await pointsOf("owner", period)).toBe(3);
    expect((await get("/leaderboard/me", await testToken("owner"))).body).toMatchObject({
      daily: { rank: 1, points: 3 },
      yearly: { rank: 1, points: 3 },
    });
    await vote("bob", "p1", "none");
    await waitFor("two points", async () => (await pointsOf("owner")) === 2);
    await waitFor("the last word", () => told.at(-1)?.entries[0]?.points === 2);
    expect(new Set(told.map(({ period }) => period))).toEqual(new Set(["weekly"]));
  } finally {
    socket.close();
  }
});

test("points by hand: for admins, once per Idempotency-Key, and nothing of the wrong form", async () => {
  const key = { "Idempotency-Key": "k1" };
  expect((await score("dan", 7, key)).body).toMatchObject({
    user_id: "dan",
    points: 7,
    places: { daily: { points: 7 } },
  });
  const again = await score("dan", 7, key);
  expect([again.status, again.headers.get("idempotency-replayed"), await pointsOf("dan")]).toEqual([200, "true", 7]);
  expect((await score("dan", 8, key)).status).toBe(422);
  expect((await score("dan", -2)).body.places.daily.points).toBe(5);
  expect((await post("/leaderboard/scores", { user_id: "dan", points: 1 }, await testToken("dan"))).status).toBe(403);
  for (const points of [1.5, "7", null, 1e300]) {
    expect((await post("/leaderboard/scores", { user_id: "dan", points })).status).toBe(400);
  }
  for (const query of ["period=hourly", "limit=0", "offset=-1", "offset=1e3", "limit=101"]) {
    expect((await get(`/leaderboard?${query}`)).status).toBe(400);
  }
});

test("points by hand are told to watchers too", async () => {
  const { socket, told } = await watchWeekly();
  try {
    const shown = () => told.at(-1)?.entries.find(({ user_id }) => user_id === "dan")?.points;
    for (const [points, sum] of [
      [4, 9],
      [-4, 5],
    ] as const) {
      expect((await score("dan", points)).status).toBe(200);
      await waitFor(`${sum} points to be told`, () => shown() === sum);
    }
  } finally {
    socket.close();
  }
});

test("a sync by hand: a dry run says what it would do, the run does it, and the next has nothing to do", async () => {
  const wouldBe = await post("/periodic-sync/sync", { dry_run: true });
  expect(wouldBe.body).toMatchObject({ created: 2, updated: 0, deleted: 0, dry_run: true, errors: [] });
  expect(await rows()).toEqual([]);
  const done = await post("/periodic-sync/sync");
  expect(done.body).toMatchObject({ created: 2, by_period: { daily: { created: 2 }, yearly: { created: 2 } } });
  expect(done.body.run_id).toMatch(/^[\da-f-]{36}$/);
  expect(await rows()).toEqual([
    { user_id: "dan", points: "5" },
    { user_id: "owner", points: "2" },
  ]);
  expect((await post("/periodic-sync/sync", { full: true })).body).toMatchObject({ created: 0, unchanged: 2 });
  const { body } = await get("/periodic-sync/history?limit=2", admin);
  expect(body.runs).toMatchObject([{ status: "done", full: true, unchanged: 2 }, { run_id: done.body.run_id }]);
  expect((await get("/periodic-sync/metrics", admin)).body).toMatchObject({
    redis_counts: { daily_leaderboard: 2, yearly_leaderboard: 2 },
    postgres_users: 2,
  });
  for (const wrong of [{ periods: ["hourly"] }, { dry_run: "yes" }, { everything: true }]) {
    expect((await post("/periodic-sync/sync", wrong)).status).toBe(400);
  }
  expect((await post("/periodic-sync/sync", {}, await testToken("ann"))).status).toBe(403);
});

test("stopped, it stays stopped over a restart; started, the status says when it runs next", async () => {
  expect((await post("/periodic-sync/stop")).body).toEqual({ enabled: false });
  await scheduler.kill9();
  await scheduler.restart();
  expect((await get("/periodic-sync/status", admin)).body).toMatchObject({ enabled: false, running: null });
  expect((await get("/periodic-sync/health", admin)).body).toMatchObject({ status: "issues_detected" });
  expect((await votesync(installation, "sync", "start")).code).toBe(0);
  await scheduler.kill9();
  await scheduler.restart();
  const status = await waitFor("the next run", async () => {
    const { body } = await get("/periodic-sync/status", admin);
    return body.next_run_at !== null && body;
  });
  expect(status).toMatchObject({ enabled: true });
  expect(status.next_run_at).toMatch(/-01-01T00:00:00\.000Z$/);
  expect((await get("/periodic-sync/health", admin)).body).toMatchObject({ status: "healthy", issues: [] });
});

test("while a sync runs, another is refused with its id", async () => {
  const lock = await installation.postgres.connect();
  try {
    await lock.query("SELECT pg_advisory_lock(7320, 0)");
    const { rows: begun } = await lock.query(
      "INSERT INTO sync_runs (id, trigger) VALUES (gen_random_uuid(), 'manual') RETURNING id",
    );
    const refused = await post("/periodic-sync/sync");
    expect(refused).toMatchObject({ status: 409, body: { run_id: begun[0].id } });
    expect(refused.body.type).toContain("sync-running");
    expect((await get("/periodic-sync/status", admin)).body.running).toMatchObject({ run_id: begun[0].id });
    expect((await votesync(installation, "sync", "run")).code).toBe(1);
    // So many runs by hand a minute, of each admin; those that were refused count as well.
    const hasty = await testToken("hasty", { role: "admin" });
    const answers = await Promise.all(Array.from({ length: 33 }, () => post("/periodic-sync/sync", {}, hasty)));
    const limited = answers.filter(({ status }) => status === 429);
    expect([limited.length, limited[0]?.headers.get("retry-after")]).toEqual([3, "60"]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409, 429]));
    // The end of a connection is noticed by PostgreSQL at its own time.
    await lock.query("SELECT pg_advisory_unlock(7320, 0)");
  } finally {
    lock.release(true);
  }
  const { body } = await get("/periodic-sync/status", admin);
  expect([body.running, body.last_run.status]).toEqual([null, "running"]);
  const nothingSaid = { method: "POST", headers: { authorization: `Bearer ${admin}` } };
  expect((await fetch(`${api.url}/api/periodic-sync/sync`, nothingSaid)).status).toBe(200);
});

test("Redis without its boards: nothing is deleted, and they come back by themselves", async () => {
  const before = await rows();
  const keys = await installation.redis.keys("vs:{boards}:*");
  await installation.redis.del(...keys);
  const healed = async () => (await installation.redis.exists("vs:{boards}:epoch")) === 1;
  await waitFor("the boards to be counted anew", healed, 60_000);
  expect(await rows()).toEqual(before);
  expect(await pointsOf("dan", "yearly")).toBe(5);
  expect((await post("/periodic-sync/sync")).body).toMatchObject({ created: 0, deleted: 0 });
  expect(await rows()).toEqual(before);
  expect((await get("/periodic-sync/health", admin)).body.status).toBe("healthy");
});

test("boards are counted anew when somebody asks for it", async () => {
  expect((await post("/periodic-sync/restore")).body).toMatchObject({ restored: 8 });
  expect(await pointsOf("dan", "yearly")).toBe(5);
});

test("the command line says the same, and proves itself", async () => {
  await score("eve", 1);
  const run = await votesync(installation, "sync", "run", "--json");
  expect([run.code, JSON.parse(run.stdout)]).toMatchObject([0, { created: 1 }]);
  await score("eve", 4);
  const { body: wrong } = await post("/periodic-sync/sync");
  const undone = await post("/periodic-sync/undo", { run_id: wrong.run_id });
  expect([undone.body.undone, (await rows())[1]]).toEqual([4, { user_id: "eve", points: "1" }]);
  expect(await votesync(installation, "sync", "undo", "nope")).toMatchObject({ code: 2, stdout: "" });
  expect((await votesync(installation, "sync", "run", "--full")).code).toBe(0);
  expect((await rows())[1]).toEqual({ user_id: "eve", points: "5" });
  const proof = await votesync(installation, "sync", "test", "--json");
  expect([proof.code, JSON.parse(proof.stdout)]).toMatchObject([0, { ok: true }]);
  expect((await rows()).map(({ user_id }) => user_id)).toEqual(["dan", "eve", "owner"]);
  expect((await votesync(installation, "sync", "status")).code).toBe(0);
  expect((await votesync(installation, "sync", "run", "--period", "hourly")).code).toBe(2);
});

test("it runs by itself, and of two schedulers one does", async () => {
  await score("fay", 1);
  await scheduler.kill9();
  const two = await Promise.all([installation.start("sync-scheduler"), installation.start("sync-scheduler")]);
  await installation.query("UPDATE sync_state SET next_run_at = now()");
  await waitFor("fay's row", async () => (await rows()).some(({ user_id }) => user_id === "fay"), 60_000);
  const scheduled = "SELECT FROM sync_runs WHERE trigger = 'schedule'";
  await waitFor("the run's end", async () => (await installation.query(`${scheduled} AND status = 'done'`)).length > 0);
  await scheduler.restart();
  await Promise.all([...two.map((one) => one.kill9())]);
  // The schedule is once a year: whoever looked, the next is at new year.
  expect(await installation.query(scheduled)).toHaveLength(1);
  expect((await get("/periodic-sync/status", admin)).body.next_run_at).toMatch(/-01-01T00:00:00\.000Z$/);
  await scheduler.kill9();
});

/** Each page takes a tenth of a second, so that a run has a middle to be found in. */
const SLOW_PAGES = `
  CREATE FUNCTION slow_page() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
  CREATE TRIGGER slow_page AFTER INSERT ON leaderboard_entries FOR EACH STATEMENT EXECUTE FUNCTION slow_page()`;

test("a sync killed in the middle: the next one completes it, and nothing is there twice", async () => {
  const USERS = 10_000;
  const two = await Promise.all([installation.start("sync-scheduler"), installation.start("sync-scheduler")]);
  const values = Array.from({ length: USERS }, (_, i) => [i + 1, `many ${i}`]).flat();
  const boards = await installation.redis.smembers("vs:{boards}:names");
  for (const board of boards) await installation.redis.zadd(`vs:{boards}:points:${board}`, ...values);
  await installation.query(SLOW_PAGES);
  const running = post("/periodic-sync/sync", { full: true }).catch(() => null);
  const count = async () => {
    const [row] = await installation.query<{ rows: string }>("SELECT count(*) AS rows FROM leaderboard_entries");
    return Number(row?.rows);
  };
  await waitFor("some rows of many", async () => (await count()) > 1_000);
  await Promise.all(two.map((one) => one.kill9()));
  expect(await count()).toBeLessThan(USERS * boards.length);
  // Their number is kept in the transaction that writes them: no page is there in part.
  const [page] = await installation.query<{ whole: boolean }>(
    `SELECT (SELECT sum(entries) FROM leaderboard_boards) = (SELECT count(*) FROM leaderboard_entries) AS whole`,
  );
  expect(page?.whole).toBe(true);
  await installation.query("DROP FUNCTION slow_page CASCADE");
  await Promise.all(two.map((one) => one.restart()));
  await waitFor("a run", async () => (await post("/periodic-sync/sync", { full: true })).status === 200, 120_000);
  for (const board of boards) {
    const [period, key] = board.split(":");
    const [row] = await installation.query<{ rows: string }>(
      "SELECT count(*) AS rows FROM leaderboard_entries WHERE period = $1 AND key = $2",
      [period, key],
    );
    expect(Number(row?.rows)).toBe(await installation.redis.zcard(`vs:{boards}:points:${board}`));
  }
  const statuses = await installation.query<{ status: string }>("SELECT DISTINCT status FROM sync_runs");
  expect(statuses.map(({ status }) => status)).toContain("interrupted");
  for (const board of boards) await installation.redis.zremrangebylex(`vs:{boards}:points:${board}`, "-", "+");
  await installation.redis.del(...boards.map((board) => `vs:{boards}:points:${board}`));
  // The job of the dead is done again once its lock has run out; it must not be in the middle of what follows.
  await running;
  await waitFor("the restore", async () => (await post("/periodic-sync/restore")).status === 200, 60_000);
  expect((await post("/periodic-sync/sync", { force: true })).status).toBe(200);
  await Promise.all(two.map((one) => one.kill9()));
}, 240_000);

test("whoever is configured is told of a run that was refused, signed", async () => {
  const received: { type: string; verified: unknown }[] = [];
  const receiver = createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req.setEncoding("utf8")) body += chunk;
    const verified = new Webhook(WEBHOOK_SECRET, { format: "raw" }).verify(body, req.headers as Record<string, string>);
    received.push({ type: (verified as { type: string }).type, verified });
    res.end();
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const scheduler = await installation.start("sync-scheduler", {
    SYNC_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
    SYNC_WEBHOOK_SECRET: WEBHOOK_SECRET,
    SYNC_WEBHOOK_ALLOW_PRIVATE: "true",
    SYNC_MAX_DELETE_MIN: "0",
    SYNC_MAX_DELETE_RATIO: "0",
  });
  try {
    await score("gil", 1);
    await post("/periodic-sync/sync");
    await score("gil", -1);
    expect((await post("/periodic-sync/sync")).status).toBe(409);
    await waitFor("the webhook", () => received.length > 0);
    expect(received[0]).toMatchObject({
      type: "sync.refused",
      verified: { data: { error: expect.stringContaining("would delete 1 of") } },
    });
    expect((await post("/periodic-sync/sync", { force: true })).status).toBe(200);
  } finally {
    await scheduler.kill9();
    receiver.close();
  }
});

test("Redis wiped while votes go on: restored, every vote that stands is a point of its owner, then and later", async () => {
  const standing = async () => {
    const [row] = await installation.query<{ points: string }>(
      `SELECT count(*) AS points FROM votes v JOIN projects p ON p.id = v.project_id
        WHERE p.owner_id = 'owner' AND v.vote_type = 'up'`,
    );
    return Number(row?.points);
  };
  const expectEqual = () =>
    waitFor(
      "points to be the votes that stand",
      async () => (await pointsOf("owner", "yearly")) === (await standing()),
    );
  await installation.start("sync-scheduler");
  await Promise.all(Array.from({ length: 20 }, (_, i) => vote(`voter ${i}`, "p1", "up")));
  await installation.drained();
  await post("/periodic-sync/sync");
  await installation.redisServer.kill9();
  for (let i = 0; i < 5; i++) expect((await vote(`late ${i}`, "p1", "up")).body.data.degraded).toBe(true);
  await vote("voter 0", "p1", "none");
  await installation.redisServer.wipe();
  await installation.redisServer.restart();
  await waitFor("a vote in Redis", async () => (await vote("voter 1", "p2", "up")).body.data?.degraded !== true);
  await waitFor("the restore", async () => (await post("/periodic-sync/restore")).status === 200, 60_000);
  await expectEqual();
  await Promise.all(["voter 2", "voter 3", "late 0"].map((user) => vote(user, "p1", "none")));
  await vote("voter 4", "p2", "up");
  await installation.drained();
  await expectEqual();
});
