/** Wrong addresses, methods and keys; too many votes; and the small liberties every client takes. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testToken } from "@votesync/testkit";
import { MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

let target: WrongInputTarget;
beforeAll(async () => {
  target = await WrongInputTarget.start();
});
afterAll(() => target.remove());

const vote = (voteType: string) => JSON.stringify({ project_id: PROJECT, vote_type: voteType });
const EXPRESS_WAY = { "Content-Type": "application/json; charset=UTF-8; x=y" };
const WAYS = [{}, EXPRESS_WAY];

const UNKNOWN = [
  `/api/${MARK}`,
  "/api",
  "/api/",
  "/api/votes/status",
  "/api/votes/a/b/c",
  "/api/vote",
  "/api/votes%2f",
  "//api/votes",
  "/api//votes",
  "/api/votes/../../etc/passwd",
  "/..%2f..%2fpackage.json",
  "/%2e%2e/%2e%2e/package.json",
  "/..\\..\\package.json",
  "/%00",
  "/api/%00",
  "/.env",
  "/.git/config",
  "/package.json",
  "/docs/..%2f..%2fpackage.json",
  "/docs/nothing-here",
  "/__proto__",
  "/constructor",
  "/healthz/x",
  "/admin",
];

describe("an unknown address is answered 404", () => {
  test.each(UNKNOWN)("%s", async (path) => {
    await target.refuses(target.asUser({ path }), { status: 404 });
  });

  test.each(["POST", "PUT", "DELETE", "PATCH"])("to %s as well", async (method) => {
    await target.refuses(target.asUser({ method, path: `/api/${MARK}` }), { status: 404 });
  });
});

test.each(["/api/projects/%E0%A4%A", "/api/projects/%", "/api/projects/%zz", "/api/votes/status/%ff"])(
  "broken percent encoding is answered 400: %s",
  async (path) => {
    await target.refuses(target.asUser({ path }), { status: 400 });
  },
);

const ROUTES: [path: string, allow: string, wrongMethods: string[]][] = [
  ["/api/votes", "POST", ["GET", "HEAD", "PUT", "PATCH", "DELETE"]],
  ["/api/votes/status/x", "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE"]],
  ["/api/projects", "GET, HEAD, POST", ["PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "QUERY"]],
  [`/api/projects/${PROJECT}`, "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE"]],
  ["/api/session/guest", "POST", ["GET", "HEAD", "DELETE"]],
  ["/healthz", "GET, HEAD", ["POST", "DELETE"]],
  ["/readyz", "GET, HEAD", ["POST", "PUT"]],
  ["/metrics", "GET, HEAD", ["POST", "DELETE"]],
  ["/statusz", "GET, HEAD", ["POST", "DELETE"]],
  ["/openapi.json", "GET, HEAD", ["POST", "DELETE"]],
  ["/config.json", "GET, HEAD", ["POST", "DELETE"]],
  ["/docs", "GET, HEAD", ["POST", "DELETE"]],
  ["/", "GET, HEAD", ["POST", "PUT"]],
];
const WRONG_METHODS = ROUTES.flatMap(([path, allow, methods]) => methods.map((method) => ({ method, path, allow })));

describe("a wrong method is answered 405 with those that are right, token or not", () => {
  test.each(WRONG_METHODS)("$method $path", async ({ method, path, allow }) => {
    const wrong = { method, path };
    if (method === "HEAD") {
      const answer = await target.send(wrong);
      expect({ status: answer.status, allow: answer.headers.get("allow"), text: answer.text }).toEqual({
        status: 405,
        allow,
        text: "",
      });
      return;
    }
    await target.refuses(wrong, { status: 405, headers: { Allow: `Allow: ${allow}` } });
    await target.refuses(target.asUser({ ...wrong, body: MARK }), { status: 405 });
  });
});

test("a header that would change the method changes nothing", async () => {
  const headers = { "X-HTTP-Method-Override": "DELETE" };
  expect(await target.send({ path: `/api/projects/${PROJECT}`, headers })).toMatchObject({ status: 200 });
  await target.refuses({ path: "/api/votes?_method=POST", headers }, { status: 405 });
});

describe("a wrong Idempotency-Key is answered 400 on every way", () => {
  const KEYS: [what: string, key: string | string[]][] = [
    ["empty", ""],
    ["empty in quotes", '""'],
    ["256 characters", "k".repeat(256)],
    ["beyond ASCII", "schl\xfcssel"],
    ["two headers", ["key-1", "key-2"]],
    ["the same one twice", ["key-1", "key-1"]],
  ];
  test.each(KEYS)("%s", async (_, key) => {
    for (const way of WAYS) {
      await target.refuses(target.vote(vote("up"), { "Idempotency-Key": key, ...way }), { status: 400 });
    }
  });
});

test("an Idempotency-Key used with another body is answered 422 and changes nothing", async () => {
  const headers = { Authorization: `Bearer ${await testToken("repeats itself")}`, "Idempotency-Key": MARK };
  const first = await target.send(target.vote(vote("up"), headers));
  expect(first.status).toBe(200);
  for (const way of WAYS) await target.refuses(target.vote(vote("down"), { ...headers, ...way }), { status: 422 });
  const again = await target.send(target.vote(vote("up"), headers));
  expect(again.text).toBe(first.text);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
});

test("the sixth vote within ten seconds is answered 429, says when to come back, and changes nothing", async () => {
  const headers = { Authorization: `Bearer ${await testToken("in a hurry")}` };
  for (const remaining of ["4", "3", "2", "1", "0"]) {
    const answer = await target.send(target.vote(vote("up"), headers));
    expect({ status: answer.status, remaining: answer.headers.get("ratelimit-remaining") }).toEqual({
      status: 200,
      remaining,
    });
  }
  const seconds = /: ([1-9]|10)$/;
  for (const way of WAYS) {
    await target.refuses(target.vote(vote("none"), { ...headers, ...way }), {
      status: 429,
      title: "Too many vote attempts. Please wait a moment.",
      headers: {
        "Retry-After": seconds,
        "RateLimit-Limit": /: 5$/,
        "RateLimit-Remaining": /: 0$/,
        "RateLimit-Reset": seconds,
      },
    });
  }
});

test("thirty wrong votes cost nothing of the limit", async () => {
  const headers = { Authorization: `Bearer ${await testToken("clumsy")}` };
  for (let i = 0; i < 30; i++) expect((await target.send(target.vote("{}", headers))).status).toBe(400);
  const answer = await target.send(target.vote(vote("up"), headers));
  expect(answer.headers.get("ratelimit-remaining")).toBe("4");
});

describe("what every client may do", () => {
  test.each(["/api/votes/", "/api/votes?x=1", "/api/votes/?x=1", "/api/votes?"])("POST %s is a vote", async (path) => {
    const Authorization = `Bearer ${await testToken(`at ${path}`)}`;
    const answer = await target.send({ ...target.vote(vote("up"), { Authorization }), path });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.headers.get("ratelimit-limit")).toBe("5");
  });

  test("the same key twice in a body means the last one", async () => {
    const body = `{"project_id":"${PROJECT}","vote_type":"down","vote_type":"up"}`;
    const Authorization = `Bearer ${await testToken("says it twice")}`;
    const answer = await target.send(target.vote(body, { Authorization }));
    expect(JSON.parse(answer.text).data.user_vote).toBe("up");
  });

  test.each([
    "/api/projects",
    `/api/projects/${PROJECT}`,
    "/healthz",
    "/readyz",
    "/metrics",
    "/statusz",
    "/openapi.json",
    "/docs",
  ])("HEAD %s says what GET would, without a body", async (path) => {
    const [head, get] = [await target.send({ method: "HEAD", path }), await target.send({ path })];
    expect({ status: head.status, text: head.text }).toEqual({ status: get.status, text: "" });
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
  });

  test.each(["/api/votes", "/api/projects", "/api/session/guest"])(
    "a preflight of %s is answered 204",
    async (path) => {
      const answer = await target.send({
        method: "OPTIONS",
        path,
        headers: {
          Origin: "https://elsewhere.test",
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        },
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
      expect(answer.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("idempotency-key");
    },
  );

  test("a refusal too can be read by a page of another origin", async () => {
    for (const way of WAYS) {
      const answer = await target.send(target.vote("{}", { Origin: "https://elsewhere.test", ...way }));
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  test.each(["text/html", "image/png", "*/*;q=0", MARK])("Accept: %s gets JSON anyway", async (accept) => {
    expect(await target.send({ path: "/api/projects", headers: { Accept: accept } })).toMatchObject({ status: 200 });
    await target.refuses({ path: "/api/nothing", headers: { Accept: accept } }, { status: 404 });
  });

  test("a request id of one's own is kept, and a strange one replaced", async () => {
    for (const way of WAYS) {
      const ask = async (id: string) => {
        const answer = await target.send(target.vote("{}", { "X-Request-Id": id, ...way }));
        return [answer.headers.get("x-request-id"), JSON.parse(answer.text).request_id];
      };
      expect(await ask("mine:1")).toEqual(["mine:1", "mine:1"]);
      for (const strange of [`<${MARK}>`, "a".repeat(65), ""])
        expect((await ask(strange))[0]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
