/** Who may not vote: tokens that are none, no longer, not yet, or somebody else's idea of one. */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { TEST_SECRET, testToken } from "@votesync/testkit";
import type { RawRequest } from "./raw-http.js";
import { expectProblem, MARK, PROJECT, WrongInputTarget } from "./wrong-inputs.testing.js";

let target: WrongInputTarget;
beforeAll(async () => {
  target = await WrongInputTarget.start();
});
afterAll(() => target.remove());

const VOTE = JSON.stringify({ project_id: PROJECT, vote_type: "up" });
const EXPRESS_WAY = { "Content-Type": "application/json; charset=UTF-8; x=y" };
const now = Math.floor(Date.now() / 1_000);
const CLAIMS = { sub: "somebody", iat: now, exp: now + 3_600 };
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const PUBLIC_PEM = publicKey.export({ type: "spki", format: "pem" }) as string;

const encode = (part: object | string) =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** A token by hand: whatever the header and claims say, signed by HMAC-SHA-256. */
function handMade(claims: object | string, header: object = {}, secret: string = TEST_SECRET): string {
  const signed = `${encode({ alg: "HS256", ...header })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function rsaSigned(): string {
  const signed = `${encode({ alg: "RS256" })}.${encode(CLAIMS)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

const withSub = (sub: unknown) => handMade({ ...CLAIMS, sub });
const GOOD = handMade(CLAIMS);
const [HEADER = "", PAYLOAD = "", SIGNATURE = ""] = GOOD.split(".");

const HEADERS: [what: string, authorization: string | string[] | undefined][] = [
  ["no Authorization header", undefined],
  ["an empty one", ""],
  ["Basic", `Basic ${Buffer.from(`${MARK}:x`).toString("base64")}`],
  ["the token alone", GOOD],
  ["Bearer without a token", "Bearer"],
  ["Bearer and blanks", "Bearer    "],
  ["Bearer twice", `Bearer Bearer ${GOOD}`],
  ["Bearer and two tokens", `Bearer ${GOOD} ${GOOD}`],
  ["Bearer with a comma after it", `Bearer ${GOOD},`],
  ["Bearer with a tab before the token", `Bearer\t${GOOD}`],
  ["Bearer with a colon", `Bearer: ${GOOD}`],
  ["the token in quotes", `Bearer "${GOOD}"`],
  ["a wrong header before a good one", [`Bearer ${MARK}`, `Bearer ${GOOD}`]],
  ["bytes beyond ASCII", `Bearer \xff\xfe${MARK}`],
];

const TOKENS: [what: string, token: string][] = [
  ["a word", MARK],
  ["two dots", ".."],
  ["two parts", `${HEADER}.${PAYLOAD}`],
  ["four parts", `${GOOD}.${SIGNATURE}`],
  ["five parts, as if encrypted", `${GOOD}.${SIGNATURE}.${SIGNATURE}`],
  ["no signature", `${HEADER}.${PAYLOAD}.`],
  ["a signature cut short", GOOD.slice(0, -4)],
  ["another one's payload", `${HEADER}.${encode({ ...CLAIMS, sub: "root", role: "admin" })}.${SIGNATURE}`],
  ["alg none without a signature", `${encode({ alg: "none" })}.${PAYLOAD}.`],
  ["alg None with one", handMade(CLAIMS, { alg: "None" })],
  ["HS256 with another secret", handMade(CLAIMS, {}, "another secret of the tests, as long as HS256 wants")],
  ["HS256 with a public key for a secret", handMade(CLAIMS, {}, PUBLIC_PEM)],
  ["HS512 in the header", handMade(CLAIMS, { alg: "HS512" })],
  ["RS256 in the header", handMade(CLAIMS, { alg: "RS256" })],
  ["RS256 with a key of its own", rsaSigned()],
  ["no alg", handMade(CLAIMS, { alg: undefined })],
  ["an alg that is no string", handMade(CLAIMS, { alg: ["HS256"] })],
  ["a critical extension", handMade(CLAIMS, { crit: [MARK], [MARK]: 1 })],
  ["a payload that is no JSON", handMade(MARK)],
  ["a payload that is a string", handMade(`"${MARK}"`)],
  ["a payload that is null", handMade("null")],
  ["a payload that is an array", handMade("[]")],
  ["expired a minute ago", handMade({ ...CLAIMS, exp: now - 60 })],
  ["expired in 1970", handMade({ ...CLAIMS, exp: 0 })],
  ["not valid before tomorrow", handMade({ ...CLAIMS, nbf: now + 86_400 })],
  ["an nbf that is no number", handMade({ ...CLAIMS, nbf: MARK })],
  ["no exp", handMade({ sub: "somebody" })],
  ["an exp that is a string", handMade({ ...CLAIMS, exp: String(now + 3_600) })],
  ["an exp of null", handMade({ ...CLAIMS, exp: null })],
  ["no sub", handMade({ exp: CLAIMS.exp })],
  ["a sub that is a number", withSub(7)],
  ["a sub of null", withSub(null)],
  ["a sub that is an object", withSub({ $ne: null })],
  ["an empty sub", withSub("")],
  ["a sub of 256 characters", withSub("a".repeat(256))],
  ["a sub with NUL", withSub("a\0b")],
  ["a sub with a zero-width space", withSub("a\u200bb")],
  ["a sub with right-to-left override", withSub("a\u202eb")],
  ["a sub with a line end", withSub("a\nb")],
  ["a sub with a line separator", withSub("a\u2028b")],
  ["a sub with half a surrogate pair", withSub("a\ud800")],
  ["9 KB", handMade({ ...CLAIMS, padding: "x".repeat(9 * 1_024) })],
];

const UNAUTHORIZED = { status: 401, headers: { "WWW-Authenticate": /Bearer/ } };

async function refusedEverywhere(authorization: string | string[] | undefined): Promise<void> {
  const headers: Record<string, string | string[]> =
    authorization === undefined ? {} : { Authorization: authorization };
  const post = (path: string, more: Record<string, string>, body: string): RawRequest => ({
    method: "POST",
    path,
    headers: { "Content-Type": "application/json", ...headers, ...more },
    body,
  });
  const requests = [
    post("/api/votes", {}, VOTE),
    post("/api/votes", EXPRESS_WAY, VOTE),
    post("/api/projects", {}, JSON.stringify({ title: "Not to be" })),
    { path: "/api/votes/status/0.00000000-0000-7000-8000-000000000000", headers },
  ];
  await target.unharmed(async () => {
    const found = [];
    for (const request of requests) found.push(expectProblem(request, await target.send(request), UNAUTHORIZED).detail);
    expect(new Set(found).size).toBe(1);
  });
}

describe("without a good token every guarded route answers 401 and how to do it right", () => {
  test.each(HEADERS)("%s", (_, authorization) => refusedEverywhere(authorization));
  test.each(TOKENS)("a token of %s", (_, token) => refusedEverywhere(`Bearer ${token}`));
});

test("who comes without a token hears nothing about the body", async () => {
  const request: RawRequest = { method: "POST", path: "/api/votes", headers: { "Content-Type": "text/plain" } };
  await target.refuses({ ...request, body: MARK }, UNAUTHORIZED);
  await target.refuses({ ...request, headers: { "Content-Type": "application/json" }, body: "{" }, UNAUTHORIZED);
});

test.each(["bearer", "BEARER", "bEaReR"])(
  "the scheme may be written %s, and the header in any case",
  async (scheme) => {
    for (const way of [{ "content-TYPE": "application/json" }, { "CONTENT-type": EXPRESS_WAY["Content-Type"] }]) {
      const headers = { aUTHORIZATION: `${scheme} ${await testToken(`${scheme} voter ${way}`)}`, ...way };
      expect(await target.send({ method: "POST", path: "/api/votes", headers, body: VOTE })).toMatchObject({
        status: 200,
      });
    }
  },
);

test.each([
  ["255 characters", "x".repeat(255)],
  ["other scripts", "Ünï 投票 🗳"],
  ["the separators of our keys", "a:b*{s1}%00/.."],
  ["a name every object has", "__proto__"],
])("a user id of %s votes like any other", async (_, sub) => {
  const answer = await target.send(target.vote(VOTE, { Authorization: `Bearer ${withSub(sub)}` }));
  expect(answer).toMatchObject({ status: 200 });
});

test("a token cannot be traded for another: the user it names is the only one it votes for", async () => {
  const forOther = JSON.stringify({ project_id: PROJECT, vote_type: "up", user_id: "the victim" });
  await target.refuses(target.vote(forOther), { status: 400, errorsAt: ["user_id"] });
  await target.refuses(target.vote(VOTE, { Authorization: "", "X-User-Id": "the victim" }), UNAUTHORIZED);
});

test("a guest votes where guests are let in", async () => {
  const session = await target.send({ method: "POST", path: "/api/session/guest" });
  expect(session.status).toBe(201);
  const { token } = JSON.parse(session.text).data as { token: string };
  expect(await target.send(target.vote(VOTE, { Authorization: `Bearer ${token}` }))).toMatchObject({ status: 200 });
});

describe("where guests are not let in", () => {
  let closed: WrongInputTarget;
  beforeAll(async () => {
    closed = await WrongInputTarget.start({ AUTH_GUEST: "false" });
  });
  afterAll(() => closed.remove());

  test("no guest session is given, and a guest's token is answered 403 on every way", async () => {
    await closed.refuses({ method: "POST", path: "/api/session/guest" }, { status: 403 });
    const guest = await testToken("guest:1", { role: "guest" });
    const authorization = { Authorization: `Bearer ${guest}` };
    // Twice: the second time the token is remembered.
    for (let i = 0; i < 2; i++) {
      await closed.refuses(closed.vote(VOTE, authorization), { status: 403 });
      await closed.refuses(closed.vote(VOTE, { ...authorization, ...EXPRESS_WAY }), { status: 403 });
    }
    const body = JSON.stringify({ title: "Not to be" });
    const project = { method: "POST", path: "/api/projects", headers: { ...authorization, ...EXPRESS_WAY }, body };
    await closed.refuses(project, { status: 403 });
  });
});
