/** Wrong votes: each is tried on the short way around Express and on both ordinary ones, and must fare the same. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { RawRequest } from "./raw-http.js";
import { type Expected, expectProblem, MARK, PROJECT, type Problem, WrongInputTarget } from "./wrong-inputs.testing.js";

const MAX_BODY_BYTES = 64 * 1024;
const GOOD = `{"project_id":"${PROJECT}","vote_type":"up"}`;

let target: WrongInputTarget;
beforeAll(async () => {
  target = await WrongInputTarget.start();
});
afterAll(() => target.remove());

/** The same body as Express and its parser get it, and as the short way does. */
const WAYS: Record<string, (body: string | Buffer) => RawRequest> = {
  short: (body) => target.vote(body),
  "with an unusual content type": (body) =>
    target.vote(body, { "Content-Type": "application/json; charset=UTF-8; x=y" }),
  chunked: (body) => target.vote(body, {}, "chunked"),
};

async function refusedOnEveryWay(body: string | Buffer, expected: Expected): Promise<void> {
  await target.unharmed(async () => {
    const found: Problem[] = [];
    for (const way of Object.values(WAYS)) {
      const request = way(body);
      found.push(expectProblem(request, await target.send(request), expected));
    }
    expect(found).toEqual(found.map(() => found[0]));
  });
}

const body = (fields: object) => JSON.stringify({ project_id: PROJECT, vote_type: "up", ...fields });
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

const NOT_JSON: [what: string, body: string | Buffer][] = [
  ["no byte at all", ""],
  ["blanks alone", "  \n "],
  ["JSON that ends too early", GOOD.slice(0, -1)],
  ["JSON with something after it", `${GOOD} ${MARK}`],
  ["two JSON objects", GOOD + GOOD],
  ["JSON with a comma too many", `{"project_id":"${PROJECT}","vote_type":"up",}`],
  ["JSON in single quotes", `{'project_id':'${MARK}'}`],
  ["JSON with a comment", `/* ${MARK} */${GOOD}`],
  ["NaN", `{"project_id":NaN,"vote_type":"${MARK}"}`],
  ["a form", `project_id=${PROJECT}&vote_type=up&${MARK}`],
  ["XML", `<vote project="${MARK}"/>`],
  ["a raw NUL", `{"project_id":"a\0","vote_type":"${MARK}"}`],
  ["a raw line end in a string", `{"project_id":"a\n","vote_type":"${MARK}"}`],
  ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28])],
  ["7000 open brackets", "[".repeat(7_000)],
  ["UTF-16", Buffer.from(GOOD, "utf16le")],
];

describe("a body that is not JSON is answered 400, on every way the same", () => {
  test.each(NOT_JSON)("%s", async (_, text) => refusedOnEveryWay(text, { status: 400 }));
});

const WHOLE = [""];
const ID = ["project_id"];
const TYPE = ["vote_type"];

const WRONG_FORM: [what: string, body: string, errorsAt: string[]][] = [
  ["null", "null", WHOLE],
  ["a string", `"${MARK}"`, WHOLE],
  ["a number", "5", WHOLE],
  ["a boolean", "true", WHOLE],
  ["an array", `["${MARK}"]`, WHOLE],
  ["an array around a good vote", `[${GOOD}]`, WHOLE],
  ["7000 arrays in each other", nested(7_000, "[", "]"), WHOLE],
  [
    "7000 objects in each other, in the id",
    `{"project_id":${'{"a":'.repeat(7_000)}1${"}".repeat(7_000)},"vote_type":"up"}`,
    ID,
  ],
  ["an empty object", "{}", [...ID, ...TYPE]],
  ["no project_id", `{"vote_type":"up"}`, ID],
  ["no vote_type", `{"project_id":"${PROJECT}"}`, TYPE],
  ["a project_id of null", body({ project_id: null }), ID],
  ["a project_id that is a number", body({ project_id: 5 }), ID],
  ["a project_id that is a boolean", body({ project_id: true }), ID],
  ["a project_id that is an array", body({ project_id: [PROJECT] }), ID],
  ["a project_id that is a query", body({ project_id: { $ne: null } }), ID],
  ["an empty project_id", body({ project_id: "" }), ID],
  ["a project_id of spaces", body({ project_id: "   " }), ID],
  ["a project_id with a space after it", body({ project_id: `${PROJECT} ` }), ID],
  ["a project_id with a line end after it", body({ project_id: `${PROJECT}\n` }), ID],
  ["a project_id of 65 characters", body({ project_id: "a".repeat(65) }), ID],
  ["a project_id of 10 KB", body({ project_id: MARK.repeat(600) }), ID],
  ["a project_id with NUL", `{"project_id":"a\\u0000b","vote_type":"up"}`, ID],
  ["a project_id with half a surrogate pair", `{"project_id":"a\\ud800","vote_type":"up"}`, ID],
  ["a project_id with a zero-width space", body({ project_id: "a\u200bb" }), ID],
  ["a project_id with right-to-left override", body({ project_id: "a\u202eb" }), ID],
  ["a project_id in another script", body({ project_id: "prоject" }), ID],
  ["a project_id with braces", body({ project_id: "{s1}" }), ID],
  ["a project_id with a star", body({ project_id: "*" }), ID],
  ["a project_id with a slash", body({ project_id: "../../etc/passwd" }), ID],
  ["a project_id of SQL", body({ project_id: `'; DROP TABLE votes; -- ${MARK}` }), ID],
  ["a project_id of Redis protocol", body({ project_id: "x\r\nFLUSHALL\r\n" }), ID],
  ["a project_id of Lua", body({ project_id: `") redis.call("FLUSHALL") --` }), ID],
  ["a project_id of HTML", body({ project_id: `<script>${MARK}</script>` }), ID],
  ["an unknown vote_type", body({ vote_type: MARK }), TYPE],
  ["a vote_type in capitals", body({ vote_type: "UP" }), TYPE],
  ["a vote_type with a space", body({ vote_type: "up " }), TYPE],
  ["an empty vote_type", body({ vote_type: "" }), TYPE],
  ["a vote_type of null", body({ vote_type: null }), TYPE],
  ["a vote_type that is 1", body({ vote_type: 1 }), TYPE],
  ["a vote_type that is true", body({ vote_type: true }), TYPE],
  ["a vote_type of 1e400", `{"project_id":"${PROJECT}","vote_type":1e400}`, TYPE],
  ["a vote_type that is an array", body({ vote_type: ["up"] }), TYPE],
  ["a vote_type every object has", body({ vote_type: "constructor" }), TYPE],
  ["an unknown durability", body({ durability: MARK }), ["durability"]],
  ["a durability of null", body({ durability: null }), ["durability"]],
  ["a field too many", body({ role: "admin" }), ["role"]],
  ["counters and a voter of its own", body({ upvotes: 999, user_id: MARK }), ["upvotes", "user_id"]],
  ["a field with a strange name", body({ [`<${MARK}>`]: 1 }), WHOLE],
  ["__proto__", `{"project_id":"${PROJECT}","vote_type":"up","__proto__":{"role":"${MARK}"}}`, ["__proto__"]],
  ["constructor.prototype", body({ constructor: { prototype: { role: MARK } } }), ["constructor"]],
  ["fields under __proto__ alone", `{"__proto__":${GOOD}}`, [...ID, ...TYPE, "__proto__"]],
  [
    "the same key twice, the last one wrong",
    `{"project_id":"${PROJECT}","vote_type":"up","vote_type":"${MARK}"}`,
    TYPE,
  ],
  ["everything wrong at once", `{"project_id":1,"vote_type":2,"durability":3}`, [...ID, ...TYPE, "durability"]],
];

describe("JSON of the wrong form is answered 400 and says where, on every way the same", () => {
  test.each(WRONG_FORM)("%s", async (_, text, errorsAt) => refusedOnEveryWay(text, { status: 400, errorsAt }));
});

test("thousands of wrong fields are answered by a few errors", async () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 1]));
  const answer = await target.send(target.vote(body(many)));
  expect(answer.status).toBe(400);
  expect(answer.text.length).toBeLessThan(4_096);
});

test("a vote for a project that does not exist is answered 404 on every way", () =>
  refusedOnEveryWay(`{"project_id":"${MARK}","vote_type":"up"}`, { status: 404 }));

const padded = (bytes: number) => GOOD.slice(0, -1).padEnd(bytes - 1) + GOOD.slice(-1);

test.each(Object.entries({ short: 0, "with an unusual content type": 1, chunked: 2 }))(
  "a body of 64 KiB is taken and one byte more answered 413: %s",
  async (_, at) => {
    const way = Object.values(WAYS)[at] as (body: string) => RawRequest;
    expect((await target.sendAsNewVoter(way(padded(MAX_BODY_BYTES)))).status).toBe(200);
    await target.refuses(way(padded(MAX_BODY_BYTES + 1)), { status: 413 });
    await target.refuses(way(padded(MAX_BODY_BYTES * 20)), { status: 413 });
  },
);

const WRONG_CONTENT_TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/xml",
  "text/json",
  "application/jsonp",
  "application/vnd.api+json",
  "application/json, text/plain",
  "json",
  MARK,
  "",
];

test.each(WRONG_CONTENT_TYPES)("a good vote sent as '%s' is answered 415", (type) =>
  target.refuses(target.vote(GOOD, { "Content-Type": type }), { status: 415 }).then(() => undefined),
);

test("a good vote without a content type is answered 415", async () => {
  await target.refuses(target.asUser({ method: "POST", path: "/api/votes", body: GOOD }), { status: 415 });
});

test("a POST without any body is answered 400", async () => {
  await target.refuses(target.asUser({ method: "POST", path: "/api/votes" }), { status: 400, errorsAt: [""] });
});

test.each(["bogus", "latin1", "utf-8x"])("charset=%s is answered 415", async (charset) => {
  const request = target.vote(GOOD, { "Content-Type": `application/json; charset=${charset}` });
  await target.refuses(request, { status: 415 });
});

test.each(["bogus", "gzip, gzip", "compress"])("Content-Encoding: %s is answered 415", async (encoding) => {
  await target.refuses(target.vote(GOOD, { "Content-Encoding": encoding }), { status: 415 });
});

test("a gzip bomb is answered 413", async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000, " "));
  await target.refuses(target.vote(bomb, { "Content-Encoding": "gzip" }), { status: 413 });
});

test.each(["gzip", "deflate", "br"])(
  "bytes that are not %s, though they say so, are answered 400",
  async (encoding) => {
    await target.refuses(target.vote(GOOD, { "Content-Encoding": encoding }), { status: 400 });
  },
);

test("a gzip that ends too early is answered 400", async () => {
  await target.refuses(target.vote(gzipSync(GOOD).subarray(0, -12), { "Content-Encoding": "gzip" }), { status: 400 });
});

test("a good vote in gzip is taken", async () => {
  expect((await target.sendAsNewVoter(target.vote(gzipSync(GOOD), { "Content-Encoding": "gzip" }))).status).toBe(200);
});

test("a good vote after a byte order mark fares the same on every way", async () => {
  const statuses: number[] = [];
  for (const way of Object.values(WAYS)) statuses.push((await target.sendAsNewVoter(way(`\ufeff${GOOD}`))).status);
  expect(statuses).toEqual([200, 200, 200]);
});

test("a wrong vote on the short way carries the same headers as on the ordinary one", async () => {
  const headers: string[][] = [];
  for (const way of Object.values(WAYS)) {
    const answer = await target.send(way("{}"));
    headers.push([...answer.headers.keys()].sort());
  }
  expect(headers).toEqual(headers.map(() => headers[1]));
});
