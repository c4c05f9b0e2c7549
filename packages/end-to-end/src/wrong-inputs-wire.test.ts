/** What no HTTP library sends: broken framing, strange hosts, huge headers, and requests that never end. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { encodeRequest, type RawAnswer } from "./raw-http.js";
import { MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

/** A request not fully sent is ended after 10 s; the server looks every second. One that hangs is never ended. */
const ENDED_WITHIN_MS = 40_000;
const VOTE = JSON.stringify({ project_id: PROJECT, vote_type: "up" });

let target: WrongInputTarget;
let auth: string;
/** Begun first and awaited last, so that the waiting costs no time. */
let neverEnding: [what: string, end: Promise<RawAnswer | null>][];

const lines = (...all: string[]) => `${all.join("\r\n")}\r\n\r\n`;
const COMMON = ["Host: votes.test", "Connection: close", "Content-Type: application/json"];

beforeAll(async () => {
  target = await WrongInputTarget.start();
  auth = `Authorization: Bearer ${target.token}`;
  const unusual = { "Content-Type": "application/json;x=y" };
  const unfinished = {
    "a body on the short way": encodeRequest(target.vote(VOTE)).subarray(0, -5),
    "a body on the ordinary way": encodeRequest(target.vote(VOTE, unusual)).subarray(0, -5),
    "a chunked body": encodeRequest(target.vote(VOTE, {}, "chunked")).subarray(0, -5),
    headers: Buffer.from("POST /api/votes HTTP/1.1\r\nHost: votes.test\r\nX-Slow: "),
    "one byte": Buffer.from("P"),
  };
  neverEnding = Object.entries(unfinished).map(([what, bytes]) => [
    what,
    target.sendBytes(bytes, { deadlineMs: ENDED_WITHIN_MS }),
  ]);
});
afterAll(() => target.remove());

const vote = (...headers: string[]) => lines("POST /api/votes HTTP/1.1", ...COMMON, auth, ...headers);

const REFUSED_BY_THE_PARSER: [what: string, status: number, bytes: () => string | Buffer][] = [
  ["Content-Length: abc", 400, () => vote("Content-Length: abc") + VOTE],
  ["a negative Content-Length", 400, () => vote("Content-Length: -1") + VOTE],
  ["an endless Content-Length", 400, () => vote(`Content-Length: ${"9".repeat(40)}`) + VOTE],
  ["two Content-Lengths", 400, () => vote("Content-Length: 3", `Content-Length: ${VOTE.length}`) + VOTE],
  ["Content-Length and Transfer-Encoding", 400, () => vote("Content-Length: 5", "Transfer-Encoding: chunked") + VOTE],
  ["an unknown Transfer-Encoding", 400, () => vote(`Transfer-Encoding: ${MARK}`) + VOTE],
  ["a chunk size that is no number", 400, () => `${vote("Transfer-Encoding: chunked")}zz\r\n${VOTE}\r\n0\r\n\r\n`],
  ["a header without a colon", 400, () => vote(MARK) + VOTE],
  ["a space before the colon", 400, () => vote(`Content-Length : ${VOTE.length}`) + VOTE],
  ["NUL in a header", 400, () => vote("X-A: a\0b", `Content-Length: ${VOTE.length}`) + VOTE],
  ["no Host", 400, () => lines("GET /api/projects HTTP/1.1", "Connection: close")],
  ["an unknown method", 400, () => lines("BREW /api/votes HTTP/1.1", ...COMMON)],
  ["a space in the address", 400, () => lines("GET /api/pro jects HTTP/1.1", ...COMMON)],
  ["an unknown version", 400, () => lines("GET /api/projects HTTP/9.9", ...COMMON)],
  ["HTTP/2 from the start", 400, () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["TLS", 400, () => Buffer.from("16030100c8010000c403034f5bd1", "hex")],
  ["no HTTP at all", 400, () => `${MARK}\r\n\r\n`],
  ["a header of 20 KB", 431, () => vote(`X-Large: ${"x".repeat(20_000)}`)],
  [
    "a token of 20 KB",
    431,
    () => lines("GET /api/projects HTTP/1.1", ...COMMON, `Authorization: Bearer ${"x".repeat(20_000)}`),
  ],
  ["an address of 20 KB", 431, () => lines(`GET /api/projects?cursor=${"x".repeat(20_000)} HTTP/1.1`, ...COMMON)],
  ["an expectation nobody knows", 417, () => vote(`Expect: ${MARK}`, "Content-Length: 0")],
];

describe("what is no proper HTTP is refused by the parser, with or without words", () => {
  test.each(REFUSED_BY_THE_PARSER)("%s", async (_, status, bytes) => {
    const answer = await target.unharmed(() => target.sendBytes(bytes()));
    expect(answer?.status).toBe(status);
    expect(answer?.text).not.toContain(MARK);
  });
});

test("a body longer than it says is cut where it said, and the rest is no vote", async () => {
  const answer = await target.unharmed(() => target.sendBytes(vote("Content-Length: 10") + VOTE));
  expect(answer?.status).toBe(400);
});

test("a whole request hidden behind the body of a refused one is not answered as a vote", async () => {
  const hidden = encodeRequest(target.vote(VOTE)).toString("latin1");
  const answer = await target.unharmed(() => target.sendBytes(`${vote("Content-Length: 2")}{}${hidden}`));
  expect(answer?.status).toBe(400);
});

describe("a client that hangs up in the middle leaves nothing behind", () => {
  const WAYS = { short: {}, ordinary: { "Content-Type": "application/json;x=y" } };
  test.each(Object.entries(WAYS))("in its body, on the %s way", async (_, headers) => {
    const bytes = encodeRequest(target.vote(VOTE, headers)).subarray(0, -5);
    const answer = await target.unharmed(() => target.sendBytes(bytes, { hangUp: true }));
    expect([undefined, 400]).toContain(answer?.status);
  });

  test("in its headers", async () => {
    const bytes = encodeRequest(target.vote(VOTE)).subarray(0, 60);
    const answer = await target.unharmed(() => target.sendBytes(bytes, { hangUp: true }));
    expect([undefined, 400]).toContain(answer?.status);
  });

  test("before its first byte", async () => {
    expect(await target.unharmed(() => target.sendBytes("", { hangUp: true }))).toBeNull();
  });
});

const STRANGE_HOSTS = [
  "",
  "a;b",
  "a,b",
  "a b",
  `"${MARK}`,
  "<script>",
  "[::1",
  "votes.test:99999",
  "\xff\xfe",
  "'none'",
  "a\tb",
  "@",
  `${"a".repeat(4_000)}`,
];

describe("a strange Host harms nobody", () => {
  test.each(STRANGE_HOSTS)("'%s'", async (host) => {
    await target.unharmed(async () => {
      for (const path of ["/readyz", "/config.json", "/docs", "/api/projects", "/nothing-here"]) {
        const { status } = await target.send({ path, headers: { Host: host } });
        expect({ path, isFine: status < 500 }).toEqual({ path, isFine: true });
      }
    });
  });
});

const ODD_HEADERS: [what: string, headers: Record<string, string | string[]>][] = [
  ["__proto__", { ["__proto__"]: MARK }],
  ["constructor", { constructor: MARK }],
  [
    "forged addresses",
    { "X-Forwarded-For": `${MARK}, ::1`, "X-Forwarded-Proto": MARK, "X-Forwarded-Host": `a;${MARK}` },
  ],
  ["a strange Origin", { Origin: `<${MARK}>` }],
  ["an upgrade nobody offers", { Connection: "close, Upgrade", Upgrade: "websocket" }],
  ["a range", { Range: "bytes=5-1" }],
  ["conditions", { "If-None-Match": `"${MARK}"`, "If-Modified-Since": MARK }],
  ["900 headers", Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i}`, "1"]))],
];

test.each(ODD_HEADERS)("an odd header changes nothing: %s", async (_, headers) => {
  await target.unharmed(async () => {
    expect(await target.send({ path: `/api/projects/${PROJECT}`, headers })).toMatchObject({ status: 200 });
    expect((await target.send(target.vote("{}", headers))).status).toBe(400);
    expect((await target.send({ path: "/nothing-here", headers })).status).toBe(404);
  });
});

test.each(["http://votes.test/api/projects", "http://[::1/api/projects", "http://", "*", "?", "/?", "/#"])(
  "the address '%s' is answered by less than 500",
  async (path) => {
    const answer = await target.unharmed(() => target.sendBytes(lines(`GET ${path} HTTP/1.1`, ...COMMON)));
    expect(answer?.status).toBeLessThan(500);
  },
);

test("a thousand connections that say nothing do not keep others from voting", async () => {
  const silent = Array.from({ length: 1_000 }, () => target.sendBytes("", { hangUp: true }));
  await target.unharmed(() => Promise.all(silent));
});

test("requests that never end are ended after ten seconds, and none of them was a vote", async () => {
  const ends = await target.unharmed(() =>
    Promise.all(neverEnding.map(async ([what, end]) => [what, await end] as const)),
  );
  for (const [what, answer] of ends) expect([what, answer?.status]).toEqual([what, 408]);
});

test("after all this the log holds no failure of ours", () => {
  expect(target.api.log).not.toMatch(/"level":(50|60)|"level":"(error|fatal)"/);
});
