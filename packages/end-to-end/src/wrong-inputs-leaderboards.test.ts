/** Wrong questions about leaderboards, wrong points, wrong orders to their sync, and callers who may not. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testToken } from "@votesync/testkit";
import type { RawRequest } from "./raw-http.js";
import { type Expected, MARK, WrongInputTarget } from "./wrong-inputs.testing.js";

let target: WrongInputTarget;
let admin: string;
beforeAll(async () => {
  target = await WrongInputTarget.start();
  admin = await testToken("root", { role: "admin" });
});
afterAll(() => target.remove());

const JSON_BODY = { "Content-Type": "application/json" };
const asAdmin = (request: RawRequest): RawRequest => ({
  ...request,
  headers: { Authorization: `Bearer ${admin}`, ...request.headers },
});
const post = (path: string, body: string | Buffer, headers: RawRequest["headers"] = {}) =>
  asAdmin({ method: "POST", path, headers: { ...JSON_BODY, ...headers }, body });

const SCORES = "/api/leaderboard/scores";
const sync = (name: string) => `/api/periodic-sync/${name}`;

/** Refused, and there is no point more, no run, and no other state of the sync. */
async function refuses(request: RawRequest, expected: Expected): Promise<void> {
  const traces = () =>
    target.installation.query(
      `SELECT (SELECT count(*) FROM score_events) AS scores, (SELECT count(*) FROM sync_runs) AS runs,
              (SELECT count(*) FROM leaderboard_entries) AS entries, s.* FROM sync_state s`,
    );
  const before = await traces();
  await target.refuses(request, expected);
  expect(await traces()).toEqual(before);
}

const WRONG_QUERIES: [query: string, errorsAt: string[]][] = [
  ["period=", ["period"]],
  ["period=hourly", ["period"]],
  ["period=DAILY", ["period"]],
  ["period=daily%20", ["period"]],
  ["period=daily%00", ["period"]],
  [`period=${MARK}`, ["period"]],
  ["period=__proto__", ["period"]],
  ["period=daily,weekly", ["period"]],
  ["period=daily&period=weekly", ["period"]],
  ["period=daily&period=daily", ["period"]],
  ["period[$ne]=", [""]],
  ["limit=", ["limit"]],
  ["limit=0", ["limit"]],
  ["limit=101", ["limit"]],
  ["limit=-1", ["limit"]],
  ["limit=1.5", ["limit"]],
  ["limit=1e1", ["limit"]],
  ["limit=0x10", ["limit"]],
  ["limit=%205", ["limit"]],
  ["limit=NaN", ["limit"]],
  ["limit=99999999999999999999", ["limit"]],
  ["limit=5&limit=6", ["limit"]],
  ["offset=", ["offset"]],
  ["offset=-1", ["offset"]],
  ["offset=0.5", ["offset"]],
  ["offset=1e3", ["offset"]],
  ["offset=10000001", ["offset"]],
  ["offset=99999999999999999999", ["offset"]],
  [`offset=${MARK}`, ["offset"]],
  ["offset=1&offset=2", ["offset"]],
  ["page=2", ["page"]],
  ["key=2026-11-23", ["key"]],
  ["period=hourly&limit=0&offset=-1", ["limit", "offset", "period"]],
];

describe("a wrong question about a leaderboard is answered 400 and says where", () => {
  test.each(WRONG_QUERIES)("%s", async (query, errorsAt) => {
    await refuses({ path: `/api/leaderboard?${query}` }, { status: 400, errorsAt });
  });
});

test("at its edges a question is right, and an empty board is no error", async () => {
  for (const query of ["", "limit=1", "limit=100", "offset=10000000", "period=yearly&limit=007&offset=00"]) {
    const answer = await target.send({ path: `/api/leaderboard?${query}` });
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toMatchObject({ status: 200, body: { total: 0 } });
  }
});

const score = (fields: object) => JSON.stringify({ user_id: "ann", points: 1, ...fields });
const points = (literal: string) => `{"user_id":"ann","points":${literal}}`;
const [WHOLE, USER, POINTS] = [[""], ["user_id"], ["points"]];

const WRONG_SCORES: [what: string, body: string, errorsAt: string[]][] = [
  ["null", "null", WHOLE],
  ["a text", `"${MARK}"`, WHOLE],
  ["an array around a good one", `[${score({})}]`, WHOLE],
  ["nothing in it", "{}", [...POINTS, ...USER]],
  ["no points", `{"user_id":"ann"}`, POINTS],
  ["no user", `{"points":1}`, USER],
  ["points of null", points("null"), POINTS],
  ["points in a text", points('"7"'), POINTS],
  ["points in a list", points("[7]"), POINTS],
  ["points that are true", points("true"), POINTS],
  ["half a point", points("0.5"), POINTS],
  ["nearly a point", points("0.99999999999"), POINTS],
  ["1e400 points", points("1e400"), POINTS],
  ["-1e400 points", points("-1e400"), POINTS],
  ["1e300 points", points("1e300"), [...POINTS, ...POINTS]],
  ["a point more than a billion", points("1000000001"), POINTS],
  ["a point less than minus a billion", points("-1000000001"), POINTS],
  ["2^53 + 1 points", points("9007199254740993"), [...POINTS, ...POINTS]],
  ["a user who is a number", score({ user_id: 7 }), USER],
  ["a user who is null", score({ user_id: null }), USER],
  ["a user who is a query", score({ user_id: { $ne: null } }), USER],
  ["a user without a name", score({ user_id: "" }), [...USER, ...USER]],
  ["a user of 256 characters", score({ user_id: "u".repeat(256) }), USER],
  ["a user with NUL", `{"user_id":"a\\u0000b","points":1}`, USER],
  ["a user with a line end", score({ user_id: "a\nb" }), USER],
  ["a user with half a surrogate pair", `{"user_id":"a\\ud800","points":1}`, USER],
  ["a user with a zero-width space", score({ user_id: "a\u200bb" }), USER],
  ["a period as well", score({ period: "daily" }), ["period"]],
  ["a board and a time as well", score({ key: MARK, at: 0 }), ["at", "key"]],
  ["__proto__", `{"user_id":"ann","points":1,"__proto__":{"points":9}}`, ["__proto__"]],
];

describe("wrong points are answered 400, say where, and are not given", () => {
  test.each(WRONG_SCORES)("%s", async (_, body, errorsAt) => {
    await refuses(post(SCORES, body), { status: 400, errorsAt });
  });

  test.each([
    ["empty", ""],
    ["256 characters", "k".repeat(256)],
    ["beyond ASCII", "schl\xfcssel"],
    ["two headers", ["key-1", "key-2"]],
  ])("with a wrong Idempotency-Key: %s", async (_, key) => {
    await refuses(post(SCORES, score({}), { "Idempotency-Key": key }), { status: 400 });
  });
});

test("an Idempotency-Key used with other points is answered 422 and gives none; of another user it is another key", async () => {
  const key = { "Idempotency-Key": MARK };
  const first = await target.send(post(SCORES, score({ user_id: "keyed", points: 3 }), key));
  expect(first.status).toBe(200);
  for (const other of [4, -3, 0]) {
    await refuses(post(SCORES, score({ user_id: "keyed", points: other }), key), { status: 422 });
  }
  const again = await target.send(post(SCORES, score({ user_id: "keyed", points: 3 }), key));
  expect([again.text, again.headers.get("idempotency-replayed")]).toEqual([first.text, "true"]);
  const another = await target.send(post(SCORES, score({ user_id: "keyed too", points: 4 }), key));
  expect([another.status, another.headers.get("idempotency-replayed")]).toEqual([200, undefined]);
});

test.each(["1000000000", "-1000000000", "0", "-0", "1e3"])("%s points are points", async (literal) => {
  expect((await target.send(post(SCORES, `{"user_id":"edge ${literal}","points":${literal}}`))).status).toBe(200);
});

test("any printable name is a user, and is found again", async () => {
  for (const user_id of ["a b", "ünïcode", "用户", "👩‍🚀".replace("\u200d", ""), "' OR 1=1 --", "u".repeat(255)]) {
    const answer = await target.send(post(SCORES, score({ user_id, points: 2 })));
    expect(JSON.parse(answer.text)).toMatchObject({ user_id, places: { daily: { points: 2 } } });
  }
});

const WRONG_ORDERS: [what: string, name: string, body: string, errorsAt: string[]][] = [
  ["null", "sync", "null", WHOLE],
  ["a list", "sync", "[]", WHOLE],
  ["a period that is none", "sync", `{"periods":["hourly"]}`, ["periods.0"]],
  ["one of them that is none", "sync", `{"periods":["daily","${MARK}"]}`, ["periods.1"]],
  ["no period at all", "sync", `{"periods":[]}`, ["periods"]],
  ["five periods", "sync", `{"periods":["daily","daily","daily","daily","daily"]}`, ["periods"]],
  ["periods in a text", "sync", `{"periods":"daily"}`, ["periods", "periods"]],
  ["periods of null", "sync", `{"periods":null}`, ["periods"]],
  ["a list in a list", "sync", `{"periods":[["daily"]]}`, ["periods.0"]],
  ["a dry run in a text", "sync", `{"dry_run":"true"}`, ["dry_run"]],
  ["a dry run of 1", "sync", `{"dry_run":1}`, ["dry_run"]],
  ["a dry run of null", "sync", `{"dry_run":null}`, ["dry_run"]],
  ["full in a text", "sync", `{"full":"yes"}`, ["full"]],
  ["force of 1", "sync", `{"force":1}`, ["force"]],
  ["a dry run in other letters", "sync", `{"dryRun":true}`, ["dryRun"]],
  ["a run id of its own", "sync", `{"run_id":"${MARK}"}`, ["run_id"]],
  ["__proto__", "sync", `{"__proto__":{"force":true}}`, ["__proto__"]],
  ["nothing in it", "undo", "{}", ["run_id"]],
  ["a run that is a number", "undo", `{"run_id":7}`, ["run_id"]],
  ["a run that is a word", "undo", `{"run_id":"${MARK}"}`, ["run_id"]],
  ["a run and a wish", "undo", `{"run_id":"0b5fd1b3-6cf0-4b7e-8b0a-0d0a3c1f9e11","force":true}`, ["force"]],
];

describe("a wrong order to the sync is answered 400, says where, and begins nothing", () => {
  test.each(WRONG_ORDERS)("%s: %s %s", async (_, name, body, errorsAt) => {
    await refuses(post(sync(name), body), { status: 400, errorsAt });
  });

  test.each(["limit=0", "limit=101", "limit=1e1", "limit=", "limit=1&limit=2"])("history?%s", async (query) => {
    await refuses(asAdmin({ path: `${sync("history")}?${query}` }), { status: 400, errorsAt: ["limit"] });
  });

  test("history?offset=1", async () => {
    await refuses(asAdmin({ path: `${sync("history")}?offset=1` }), { status: 400, errorsAt: ["offset"] });
  });
});

test("a run that does not exist cannot be undone", async () => {
  await refuses(post(sync("undo"), `{"run_id":"0b5fd1b3-6cf0-4b7e-8b0a-0d0a3c1f9e11"}`), { status: 404 });
});

const READS = ["status", "health", "metrics", "history"].map(sync);
const ORDERS = ["sync", "start", "stop", "restore", "undo"].map(sync);
const ROUTES: [path: string, allow: string, wrong: string[]][] = [
  ["/api/leaderboard", "GET, HEAD", ["POST", "PUT", "DELETE"]],
  ["/api/leaderboard/me", "GET, HEAD", ["POST", "DELETE"]],
  [SCORES, "POST", ["GET", "PUT", "DELETE"]],
  ...READS.map((path): [string, string, string[]] => [path, "GET, HEAD", ["POST", "PUT", "DELETE"]]),
  ...ORDERS.map((path): [string, string, string[]] => [path, "POST", ["GET", "PUT", "PATCH", "DELETE"]]),
];

test.each(ROUTES)("%s takes %s", async (path, allow, wrong) => {
  for (const method of wrong) {
    await refuses(asAdmin({ method, path }), { status: 405, headers: { Allow: `Allow: ${allow}` } });
  }
});

test.each([...READS, ...ORDERS, SCORES])(
  "%s is for admins: 403 to users and guests, 401 to nobody in particular",
  async (path) => {
    const request = { path, ...(READS.includes(path) ? {} : { method: "POST", headers: JSON_BODY, body: "{}" }) };
    const guest = await testToken("guest:1", { role: "guest" });
    await refuses(request, { status: 401 });
    await refuses(target.asUser(request), { status: 403 });
    for (const [token, status] of [
      [guest, 403],
      [`${admin}x`, 401],
      ["a.b.c", 401],
    ] as const) {
      await refuses({ ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } }, { status });
    }
  },
);

test("one's own places are for whoever says who they are", async () => {
  await refuses({ path: "/api/leaderboard/me" }, { status: 401 });
  await refuses({ path: "/api/leaderboard/me", headers: { Authorization: `Bearer ${MARK}` } }, { status: 401 });
  const answer = await target.send(target.asUser({ path: "/api/leaderboard/me" }));
  expect(JSON.parse(answer.text)).toEqual({ daily: null, weekly: null, monthly: null, yearly: null });
});

test.each([SCORES, sync("sync"), sync("undo")])("%s takes JSON alone, whole, and not too much of it", async (path) => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    await refuses(post(path, "{}", { "Content-Type": type }), { status: 415 });
  }
  for (const body of ["", "{", `{"points":NaN}`, "{}{}", Buffer.from("{}", "utf16le")]) {
    await refuses(post(path, body), { status: 400 });
  }
  await refuses(post(path, `{"user_id":"${"x".repeat(70_000)}"}`), { status: 413 });
});

test.each([
  "/api/leaderboard/x",
  "/api/leaderboards",
  "/api/periodic-sync",
  "/api/periodic-sync/",
  "/api/periodic-sync/run",
])("%s is nothing", async (path) => {
  await refuses(asAdmin({ path }), { status: 404 });
  await refuses(post(path, "{}"), { status: 404 });
});
