/** Wrong boards, wrong streams, wrong questions about them, and callers who may not. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testToken } from "@votesync/testkit";
import { makeJam } from "./jams.js";
import { MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

const JAM = "wrong:jam";

let target: WrongInputTarget;
beforeAll(async () => {
  target = await WrongInputTarget.start();
  await makeJam(target.api, JAM);
});
afterAll(() => target.remove());

const JSON_BODY = { "Content-Type": "application/json" };
const post = (path: string, body: string) => target.asUser({ method: "POST", path, headers: JSON_BODY, body });

const WRONG_BOARDS: [what: string, body: string, errorsAt: string[]][] = [
  ["null", "null", [""]],
  ["a text", `"${MARK}"`, [""]],
  ["no title", "{}", ["title"]],
  ["a title of blanks", `{"title":"  "}`, ["title"]],
  ["a title of two lines", `{"title":"a\\n${MARK}"}`, ["title"]],
  ["a title of 201 characters", JSON.stringify({ title: "x".repeat(201) }), ["title"]],
  ["an unknown mode", `{"title":"t","mode":"${MARK}"}`, ["mode"]],
  ["a mode of null", `{"title":"t","mode":null}`, ["mode"]],
  ["an id with a space", `{"title":"t","id":"${MARK} x"}`, ["id"]],
  ["an id with braces", `{"title":"t","id":"{${MARK}}"}`, ["id"]],
  ["an id of 65 characters", JSON.stringify({ title: "t", id: "a".repeat(65) }), ["id"]],
  ["an id that is a number", `{"title":"t","id":7}`, ["id"]],
  ["an owner of its own", `{"title":"t","owner_id":"${MARK}"}`, ["owner_id"]],
  ["__proto__", `{"title":"t","__proto__":{"mode":"optimistic"}}`, ["__proto__"]],
];

describe("a wrong board is answered 400, says where, and is not made", () => {
  test.each(WRONG_BOARDS)("%s", async (_, body, errorsAt) => {
    const before = await target.installation.query("SELECT count(*) FROM boards");
    await target.refuses(post("/api/boards", body), { status: 400, errorsAt });
    expect(await target.installation.query("SELECT count(*) FROM boards")).toEqual(before);
  });
});

const stream = (more: object) => JSON.stringify({ jamId: JAM, title: "T", url: "https://example.com", ...more });

const WRONG_STREAMS: [what: string, body: string, errorsAt: string[]][] = [
  ["an array", "[]", [""]],
  ["nothing in it", "{}", ["jamId", "title", "url"]],
  ["a jam that is an object", stream({ jamId: { $ne: null } }), ["jamId"]],
  ["a jam with a slash", stream({ jamId: `a/${MARK}` }), ["jamId"]],
  ["an empty title", stream({ title: "" }), ["title"]],
  ["a url of javascript:", stream({ url: `javascript:alert("${MARK}")` }), ["url"]],
  ["a url of null", stream({ url: null }), ["url"]],
  ["no url", `{"jamId":"${JAM}","title":"T"}`, ["url"]],
  ["an id of its own", stream({ id: MARK }), ["id"]],
  ["votes of its own", stream({ votes: 99 }), ["votes"]],
];

describe("a wrong stream is answered 400, says where, and is not added", () => {
  test.each(WRONG_STREAMS)("%s", async (_, body, errorsAt) => {
    await target.refuses(post("/api/streams", body), { status: 400, errorsAt });
  });
});

const WRONG_VOTES: [what: string, body: string, errorsAt: string[]][] = [
  ["nothing in it", "{}", ["streamId"]],
  ["a number", `{"streamId":7}`, ["streamId"]],
  ["a list", `{"streamId":["${PROJECT}"]}`, ["streamId"]],
  ["an empty id", `{"streamId":""}`, ["streamId"]],
  ["a wish as well", `{"streamId":"${PROJECT}","vote_type":"none"}`, ["vote_type"]],
  ["a voter as well", `{"streamId":"${PROJECT}","user_id":"${MARK}"}`, ["user_id"]],
];

describe.each(["upvote", "downvote"])("a wrong %s is answered 400 and changes nothing", (way) => {
  test.each(WRONG_VOTES)("%s", async (_, body, errorsAt) => {
    await target.refuses(post(`/api/streams/${way}`, body), { status: 400, errorsAt });
  });

  test("of a stream that does not exist: 404", async () => {
    await target.refuses(post(`/api/streams/${way}`, `{"streamId":"${MARK}"}`), { status: 404 });
  });

  test("with a wrong Idempotency-Key, or two: 400", async () => {
    for (const key of ["", "k".repeat(256), ["a", "b"]]) {
      const request = post(`/api/streams/${way}`, `{"streamId":"${PROJECT}"}`);
      const headers = { ...request.headers, "Idempotency-Key": key };
      await target.refuses({ ...request, headers }, { status: 400 });
    }
  });
});

const WRONG_NEXTS: [what: string, body: string, errorsAt: string[]][] = [
  ["nothing in it", "{}", ["jamId"]],
  ["an active one that is a number", `{"jamId":"${JAM}","activeId":7}`, ["activeId"]],
  ["a wish for a stream", `{"jamId":"${JAM}","streamId":"${PROJECT}"}`, ["streamId"]],
];

test.each(WRONG_NEXTS)("a wrong call for the next one is answered 400: %s", async (_, body, errorsAt) => {
  await target.refuses(post("/api/streams/next", body), { status: 400, errorsAt });
});

test("a board that does not exist is answered 404 everywhere, and gets no stream", async () => {
  await target.refuses(post("/api/streams", stream({ jamId: MARK })), { status: 404 });
  await target.refuses(post("/api/streams/next", `{"jamId":"${MARK}"}`), { status: 404 });
  await target.refuses(target.asUser({ path: `/api/streams/debug?jamId=${MARK}` }), { status: 404 });
  await target.refuses({ path: `/api/streams?jamId=${MARK}` }, { status: 404 });
  for (const id of [MARK, "a%20b", "..%2f..%2fetc", "a%00b", "__proto__", "a".repeat(65)]) {
    await target.refuses({ path: `/api/boards/${id}` }, { status: 404 });
  }
});

test("what is the host's is refused to others with 403, and to nobody in particular with 401", async () => {
  const path = `/api/streams/debug?jamId=${JAM}`;
  await target.refuses(post("/api/streams/next", `{"jamId":"${JAM}"}`), { status: 403 });
  await target.refuses(target.asUser({ path }), { status: 403 });
  await target.refuses({ path }, { status: 401 });
  for (const route of [
    "/api/boards",
    "/api/streams",
    "/api/streams/next",
    "/api/streams/upvote",
    "/api/streams/downvote",
  ]) {
    await target.refuses({ method: "POST", path: route, headers: JSON_BODY, body: "{}" }, { status: 401 });
  }
});

test("a queue is for everybody, but who says who they are must be right", async () => {
  const path = `/api/streams?jamId=${JAM}`;
  expect(await target.send({ path })).toMatchObject({ status: 200 });
  const expired = await testToken("late", { expiresInS: -60 }).catch(() => "no.token.at-all");
  for (const token of [expired, "x", `${target.token}x`]) {
    await target.refuses({ path, headers: { Authorization: `Bearer ${token}` } }, { status: 401 });
  }
});

const WRONG_QUERIES: [path: string, errorsAt: string[]][] = [
  ["/api/streams", ["jamId"]],
  ["/api/streams?jamId=", ["jamId"]],
  [`/api/streams?jamId=${MARK}%20x`, ["jamId"]],
  [`/api/streams?jamId=a&jamId=b`, ["jamId"]],
  ["/api/streams?jamId[$ne]=", ["jamId", ""]],
  [`/api/streams?jamId=${JAM}&fresh=yes`, ["fresh"]],
  [`/api/streams?jamId=${JAM}&fresh=`, ["fresh"]],
  [`/api/streams?jamId=${JAM}&limit=5`, ["limit"]],
  ["/api/boards?limit=0", ["limit"]],
  ["/api/boards?limit=1e1", ["limit"]],
  ["/api/boards?owner=me", ["owner"]],
  ["/api/boards?cursor=", ["cursor"]],
  ["/api/boards?cursor=bm90aGluZw", ["cursor"]],
];

test.each(WRONG_QUERIES)("a wrong question is answered 400 and says where: %s", async (path, errorsAt) => {
  await target.refuses({ path }, { status: 400, errorsAt });
});

const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test.each([
  { at: -1, id: "a" },
  { at: 1.5, id: "a" },
  { at: 9e15, id: "a" },
  { at: 1, id: "a b" },
  { at: 1 },
  { at: 1, id: "a", more: MARK },
])("a cursor that no list gave is answered 400: %j", async (value) => {
  await target.refuses({ path: `/api/boards?cursor=${cursor(value)}` }, { status: 400, errorsAt: ["cursor"] });
});

test.each([0, 8.64e15])("a cursor at the edge of time is a cursor: %d", async (at) => {
  expect(await target.send({ path: `/api/boards?cursor=${cursor({ at, id: "a" })}` })).toMatchObject({ status: 200 });
});

test.each([
  ["/api/boards", "GET, HEAD, POST", "DELETE"],
  ["/api/boards/x", "GET, HEAD", "PUT"],
  ["/api/streams", "GET, HEAD, POST", "PATCH"],
  ["/api/streams/next", "POST", "GET"],
  ["/api/streams/upvote", "POST", "GET"],
  ["/api/streams/debug", "GET, HEAD", "POST"],
])("%s takes %s", async (path, allow, method) => {
  await target.refuses(target.asUser({ method, path }), { status: 405, headers: { Allow: `Allow: ${allow}` } });
});

test.each(["/api/boards", "/api/streams", "/api/streams/next", "/api/streams/upvote"])(
  "%s takes JSON alone, and not too much of it",
  async (path) => {
    const text = target.asUser({ method: "POST", path, headers: { "Content-Type": "text/plain" }, body: "{}" });
    await target.refuses(text, { status: 415 });
    await target.refuses(post(path, "{"), { status: 400 });
    await target.refuses(post(path, `{"title":"${"x".repeat(70_000)}"}`), { status: 413 });
  },
);
