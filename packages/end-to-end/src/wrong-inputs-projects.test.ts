/** Wrong projects, wrong lists of them, and questions about votes that are not one's own. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testToken } from "@votesync/testkit";
import { MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

let target: WrongInputTarget;
beforeAll(async () => {
  target = await WrongInputTarget.start();
  await target.installation.createProjects(target.api, ["list:1", "list:2", "list:3"]);
});
afterAll(() => target.remove());

const TITLE = "Not to be";
const created = (body: string) =>
  target.asUser({ method: "POST", path: "/api/projects", headers: { "Content-Type": "application/json" }, body });
const fields = (more: object) => JSON.stringify({ title: TITLE, ...more });

const WRONG_PROJECTS: [what: string, body: string, errorsAt: string[]][] = [
  ["null", "null", [""]],
  ["an array", `[{"title":"${MARK}"}]`, [""]],
  ["no title", "{}", ["title"]],
  ["a title of null", fields({ title: null }), ["title"]],
  ["a title that is a number", fields({ title: 5 }), ["title"]],
  ["a title that is an object", fields({ title: { $gt: MARK } }), ["title"]],
  ["an empty title", fields({ title: "" }), ["title"]],
  ["a title of blanks", fields({ title: " \t\u00a0 " }), ["title"]],
  ["a title of 201 characters", fields({ title: MARK.repeat(13).slice(0, 201) }), ["title"]],
  ["a title of 60 KB", fields({ title: MARK.repeat(3_600) }), ["title"]],
  ["a title with NUL", fields({ title: `${MARK}\0` }), ["title"]],
  ["a title of two lines", fields({ title: `a\n${MARK}` }), ["title"]],
  ["a title with an escape sequence", fields({ title: `\u001b[2J${MARK}` }), ["title"]],
  ["a title with half a surrogate pair", `{"title":"a\\ud83d"}`, ["title"]],
  ["a title that shows nothing", fields({ title: "\u200b\u200b" }), ["title"]],
  ["a url of javascript:", fields({ url: `javascript:alert("${MARK}")` }), ["url"]],
  ["a url of JavaScript: with a tab", fields({ url: `java\tscript:alert("${MARK}")` }), ["url"]],
  ["a url of data:", fields({ url: `data:text/html,${MARK}` }), ["url"]],
  ["a url of ftp:", fields({ url: `ftp://example.com/${MARK}` }), ["url"]],
  ["a url of file:", fields({ url: `file:///etc/${MARK}` }), ["url"]],
  ["a url that is none", fields({ url: MARK }), ["url"]],
  ["a url without a host", fields({ url: "https://" }), ["url"]],
  ["a url without a scheme", fields({ url: `//example.com/${MARK}` }), ["url"]],
  ["an empty url", fields({ url: "" }), ["url"]],
  ["a url of null", fields({ url: null }), ["url"]],
  ["a url that is an array", fields({ url: ["https://example.com"] }), ["url"]],
  ["a url with NUL in it", fields({ url: "https://example.com/\0" }), ["url"]],
  ["a url with half a surrogate pair", `{"title":"${TITLE}","url":"https://example.com/\\ud83d"}`, ["url"]],
  ["a url of 2,049 characters", fields({ url: `https://example.com/${MARK.repeat(200)}`.slice(0, 2_049) }), ["url"]],
  ["an empty id", fields({ id: "" }), ["id"]],
  ["an id of null", fields({ id: null }), ["id"]],
  ["an id that is a number", fields({ id: 7 }), ["id"]],
  ["an id of 65 characters", fields({ id: "a".repeat(65) }), ["id"]],
  ["an id with a space", fields({ id: `${MARK} x` }), ["id"]],
  ["an id with braces", fields({ id: `{${MARK}}` }), ["id"]],
  ["an id with a slash", fields({ id: `${MARK}/x` }), ["id"]],
  ["an id with a line end after it", fields({ id: `${MARK}\n` }), ["id"]],
  ["an id with NUL", fields({ id: `${MARK}\0` }), ["id"]],
  ["a board_id with a space", fields({ board_id: `${MARK} x` }), ["board_id"]],
  ["counters of its own", fields({ upvotes: 999, version: 1 }), ["upvotes", "version"]],
  ["an owner of its own", fields({ owner_id: MARK }), ["owner_id"]],
  ["__proto__", `{"title":"${TITLE}","__proto__":{"id":"${MARK}"}}`, ["__proto__"]],
];

describe("a wrong project is answered 400, says where, and is not created", () => {
  test.each(WRONG_PROJECTS)("%s", async (_, body, errorsAt) => {
    await target.refuses(created(body), { status: 400, errorsAt });
  });

  test.each(["{", "", "title=x"])("a body of '%s'", async (body) => {
    await target.refuses(created(body), { status: 400 });
  });
});

test("an id that is taken is answered 409, and the project stays as it is", async () => {
  const path = `/api/projects/${PROJECT}`;
  const before = JSON.parse((await target.send({ path })).text);
  await target.refuses(created(fields({ id: PROJECT, title: MARK })), { status: 409 });
  const after = JSON.parse((await target.send({ path })).text);
  expect({ title: after.title, owner_id: after.owner_id }).toEqual({ title: before.title, owner_id: before.owner_id });
});

test("ten at once for one id make one project", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => target.send(created(fields({ id: "race", title: "Once" })))),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
});

const UNKNOWN_IDS = [
  MARK,
  "a%20b",
  "%7Bs1%7D",
  "..%2f..%2fetc%2fpasswd",
  "a%00b",
  "a".repeat(65),
  "%F0%9F%97%B3",
  "*",
  "__proto__",
];

test.each(UNKNOWN_IDS)("GET /api/projects/%s is answered 404", async (id) => {
  await target.refuses({ path: `/api/projects/${id}` }, { status: 404 });
});

const WRONG_QUERIES: [query: string, errorsAt: string[]][] = [
  ["limit=0", ["limit"]],
  ["limit=-1", ["limit"]],
  ["limit=101", ["limit"]],
  ["limit=1e9", ["limit"]],
  ["limit=1e1", ["limit"]],
  ["limit=99999999999999999999", ["limit"]],
  ["limit=abc", ["limit"]],
  ["limit=1.5", ["limit"]],
  ["limit=0x10", ["limit"]],
  ["limit=", ["limit"]],
  ["limit=%2010", ["limit"]],
  ["limit=%00", ["limit"]],
  ["limit=%D9%A1", ["limit"]],
  ["limit=1&limit=2", ["limit"]],
  ["limit[]=1", [""]],
  ["limit[$gt]=1", [""]],
  [`sort=${MARK}`, ["sort"]],
  ["sort=TOP", ["sort"]],
  ["sort=", ["sort"]],
  ["sort=constructor", ["sort"]],
  ["sort=top&sort=new", ["sort"]],
  ["board_id=", ["board_id"]],
  [`board_id=${MARK}%20x`, ["board_id"]],
  ["board_id=a%00", ["board_id"]],
  ["board_id=a&board_id=b", ["board_id"]],
  [`${MARK}%3C=1`, [""]],
  ["page=2", ["page"]],
  ["__proto__=1", ["__proto__"]],
  ["ids=", ["ids.0"]],
  [`ids=a,${MARK}%20x`, ["ids.1"]],
  ["ids=a,,b", ["ids.1"]],
  ["ids=a&ids=b", ["ids"]],
  [`ids=${Array.from({ length: 101 }, (_, i) => `p${i}`).join(",")}`, ["ids"]],
  ["cursor=", ["cursor"]],
  ["cursor=a&cursor=b", ["cursor"]],
  [`cursor=${"a".repeat(8_000)}`, ["cursor"]],
  ["limit=0&sort=x&cursor=", ["limit", "sort", "cursor"]],
];

describe("a wrong list query is answered 400 and says where", () => {
  test.each(WRONG_QUERIES)("?%s", async (query, errorsAt) => {
    await target.refuses({ path: `/api/projects?${query}` }, { status: 400, errorsAt });
  });
});

const cursor = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const WRONG_CURSORS: [what: string, sort: string, cursor: string][] = [
  ["garbage", "top", MARK],
  ["no base64", "top", "%25%25%25"],
  ["NUL", "top", "%00"],
  ["JSON cut short", "top", cursor(`{"sort":"top","key":1`)],
  ["null", "top", cursor("null")],
  ["an array", "top", cursor(["top", 1, "list:1"])],
  ["another sort's", "top", cursor({ sort: "new", key: 1, id: "list:1" })],
  ["no key", "top", cursor({ sort: "top", id: "list:1" })],
  ["a key that is text", "top", cursor({ sort: "top", key: "1; DROP TABLE votes", id: "list:1" })],
  ["a key that is half a vote", "top", cursor({ sort: "top", key: 1.5, id: "list:1" })],
  ["a key beyond the whole numbers", "top", cursor({ sort: "top", key: 1e300, id: "list:1" })],
  ["an infinite key", "hot", cursor(`{"sort":"hot","key":1e400,"id":"list:1"}`)],
  ["a time before 1970", "new", cursor({ sort: "new", key: -1, id: "list:1" })],
  ["a time after all calendars", "new", cursor({ sort: "new", key: 8.65e15, id: "list:1" })],
  ["half a millisecond", "new", cursor({ sort: "new", key: 0.5, id: "list:1" })],
  ["a wrong id", "best", cursor({ sort: "best", key: 0.5, id: `'${MARK}` })],
  ["a field too many", "best", cursor({ sort: "best", key: 0.5, id: "list:1", owner: MARK })],
  ["__proto__", "best", cursor(`{"__proto__":{"sort":"best","key":1,"id":"a"}}`)],
];

describe("a cursor the list did not give is answered 400", () => {
  test.each(WRONG_CURSORS)("%s", async (_, sort, text) => {
    await target.refuses({ path: `/api/projects?sort=${sort}&cursor=${text}` }, { status: 400, errorsAt: ["cursor"] });
  });

  test.each(["hot", "top", "new", "best"])("a real one of %s taken to the other sorts", async (sort) => {
    const page = await target.send({ path: `/api/projects?sort=${sort}&limit=1` });
    const next = JSON.parse(page.text).next_cursor as string;
    const others = ["hot", "top", "new", "best"].filter((other) => other !== sort);
    for (const path of others.map((other) => `/api/projects?sort=${other}&cursor=${next}`)) {
      await target.refuses({ path }, { status: 400, errorsAt: ["cursor"] });
    }
  });

  test.each([
    ["hot", -1.7e308],
    ["hot", 5e-324],
    ["top", Number.MAX_SAFE_INTEGER],
    ["top", Number.MIN_SAFE_INTEGER],
    ["new", 8.639e15],
    ["new", 0],
    ["best", 1e308],
    ["best", -0],
  ])("numbers at the edge are an answer like any other: %s %d", async (sort, key) => {
    const path = `/api/projects?sort=${sort}&cursor=${cursor({ sort, key, id: "list:1" })}`;
    const answer = await target.send({ path });
    expect(answer).toMatchObject({ status: 200, text: expect.stringMatching(/^\{"projects":\[/) });
  });
});

describe("what became of a vote is answered 404 to everybody it does not concern", () => {
  const UUID = "00000000-0000-7000-8000-000000000000";
  const IDS = [MARK, "0", UUID, `0.${UUID}`, `7.${UUID}`, `8.${UUID}`, `9999.${UUID}`, `-1.${UUID}`, `0.${UUID}x`];

  test.each([...IDS, "%00", "..%2f..%2fx", "%7Bs1%7D", "*", "__proto__", "a".repeat(5_000)])("%s", async (id) => {
    await target.refuses(target.asUser({ path: `/api/votes/status/${id}` }), { status: 404 });
  });

  test("a vote of somebody else, though it is there for its voter and for admins", async () => {
    const answer = await target.send(target.vote(JSON.stringify({ project_id: PROJECT, vote_type: "down" })));
    const path = `/api/votes/status/${JSON.parse(answer.text).data.request_id}`;
    const as = async (sub: string, role?: string) => ({
      path,
      headers: { Authorization: `Bearer ${await testToken(sub, role === undefined ? {} : { role })}` },
    });
    expect(await target.send(target.asUser({ path }))).toMatchObject({ status: 200 });
    expect(await target.send(await as("root", "admin"))).toMatchObject({ status: 200 });
    await target.refuses(await as("another user"), { status: 404 });
    await target.refuses(await as("guest:1", "guest"), { status: 404 });
    await target.refuses(await as("root", "ADMIN"), { status: 404 });
  });
});
