/** How another voting API is called: signed, tried again or not, and never waited for without an end. */
import { createHmac } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { inspect } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { createVotesServer } from "@votesync/example-external-votes";
import { countsOf, DATE, SECRET, sourceAt, VotingServers } from "./voting-servers.testing.js";

const servers = new VotingServers();
afterEach(() => servers.close());

const ONE = JSON.stringify(countsOf([{ appId: "rocket", votes: 1 }]));
const ROCKET = new Map([["rocket", 1]]);

test("a wrong secret is refused by the example server, nothing is flushed, and no error tells the secret", async () => {
  const counts = new Map([["rocket", 42]]);
  const wrong = `${SECRET}!`;
  const source = sourceAt(await servers.listen(createVotesServer(SECRET, new Map([[DATE, counts]]))), wrong);
  const errors = [source.count(DATE), source.flush(DATE, [{ appId: "rocket", votes: 42 }])].map((call) =>
    call.catch((error: unknown) => error),
  );
  for (const error of await Promise.all(errors)) {
    expect(error).toMatchObject({ name: "ExternalVotesError", message: "the external voting API answered 401" });
    expect(inspect(error, { depth: null })).not.toContain(SECRET);
  }
  expect(counts.get("rocket")).toBe(42);
});

test("the key is the secret's bytes in UTF-8, so that another language comes to the same signature", async () => {
  const secret = "ein Geheimnis für zwei, sicher mit 5 € bezahlt";
  const source = sourceAt(
    await servers.listen(
      createServer((req, res) => {
        const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = req.headers;
        const expected = createHmac("sha256", Buffer.from(secret, "utf8")).update(`${id}.${at}.`).digest("base64");
        res.writeHead(signature === `v1,${expected}` ? 200 : 401).end(ONE);
      }),
    ),
    secret,
  );
  expect((await source.count(DATE)).votes).toEqual(ROCKET);
  const example = sourceAt(await servers.listen(createVotesServer(secret, new Map([[DATE, ROCKET]]))), secret);
  expect((await example.count(DATE)).votes).toEqual(ROCKET);
});

test("a signature that somebody overheard is good for no other day", async () => {
  let headers = {};
  const overheard = createVotesServer(SECRET, new Map([[DATE, ROCKET]]));
  overheard.on("request", (req) => {
    headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => name.startsWith("webhook-")));
  });
  const url = await servers.listen(overheard);
  expect((await sourceAt(url).count(DATE)).votes).toEqual(ROCKET);
  expect((await fetch(`${url}/votes?date=${DATE}`, { headers })).status).toBe(200);
  expect((await fetch(`${url}/votes?date=2024-01-16`, { headers })).status).toBe(401);
});

test("a base path is kept; every try of a request carries the same id, another request another", async () => {
  const seen: string[] = [];
  const ids = new Set<unknown>();
  const url = await servers.listen(
    createServer((req, res) => {
      seen.push(`${req.method} ${req.url}`);
      ids.add(req.headers["webhook-id"]);
      if (seen.length < 3) res.writeHead(503).end();
      else res.end(ONE);
    }),
  );
  const source = sourceAt(`${url}/v1/`);
  expect((await source.count(DATE)).votes).toEqual(ROCKET);
  expect(seen).toEqual(Array(3).fill(`GET /v1/votes?date=${DATE}`));
  expect(ids.size).toBe(1);
  await source.count(DATE);
  expect(ids.size).toBe(2);
});

const DRIPS: RequestListener = (_req, res) => {
  const timer = setInterval(() => res.write(" "), 20);
  res.on("close", () => clearInterval(timer));
};
const sends =
  (status: number, headers = {}): RequestListener =>
  (_req, res) =>
    res.writeHead(status, headers).end("a stack trace");

test.each<[what: string, answer: RequestListener, tries: number, words: RegExp]>([
  ["it says nothing", () => undefined, 1, /cannot be reached: .*timeout/],
  ["it begins and says no more", (_req, res) => res.write('{"date":'), 1, /broke off its answer: .*timeout/],
  ["it drips", DRIPS, 1, /broke off its answer: .*timeout/],
  ["it points elsewhere", sends(302, { location: "/" }), 1, /answered 302$/],
  ["it does not like the question", sends(400), 1, /answered 400$/],
  ["it fails", sends(500), 1, /answered 500$/],
  ["it answers garbage", sends(200), 1, /no JSON/],
  ["it wants to be left alone for long", sends(503, { "retry-after": "3600" }), 1, /answered 503$/],
  ["… until a date", sends(429, { "retry-after": "Tue, 01 Jan 2999 00:00:00 GMT" }), 1, /answered 429$/],
  ["it is away", sends(503), 3, /answered 503$/],
  ["it says nonsense about when", sends(503, { "retry-after": "soon" }), 3, /answered 503$/],
  ["it has too much to do", sends(429, { "retry-after": "0" }), 3, /answered 429$/],
  ["it hangs up", (req) => req.socket.destroy(), 3, /cannot be reached/],
  ["it hangs up halfway", (req, res) => res.write('{"date":', () => req.socket.destroy()), 3, /broke off its answer/],
])("nobody waits for ever, and only what may pass is tried again: %s", async (_, answer, tries, words) => {
  let seen = 0;
  const source = await servers.answering((req, res) => {
    seen += 1;
    answer(req, res);
  });
  await expect(source.count(DATE)).rejects.toThrow(words);
  expect(seen).toBe(tries);
});

test("a server that says when to come back is not asked earlier", async () => {
  const askedAt: number[] = [];
  const source = await servers.answering((_req, res) => {
    askedAt.push(performance.now());
    if (askedAt.length === 1) res.writeHead(503, { "retry-after": "1" }).end();
    else res.end(ONE);
  });
  expect((await source.count(DATE)).votes).toEqual(ROCKET);
  const [first = 0, second = 0] = askedAt;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
});

test("an answer without an end is given up", async () => {
  const source = await servers.answering((_req, res) => {
    res.on("error", () => undefined);
    const chunk = " ".repeat(1_048_576);
    const more = () => {
      while (!res.destroyed && res.write(chunk));
    };
    res.on("drain", more);
    more();
  });
  await expect(source.count(DATE)).rejects.toThrow(/answered too much|broke off/);
});

test("an error says that nobody listens there, for a name of several addresses too", async () => {
  const { port } = new URL(await servers.deadAddress());
  for (const host of ["127.0.0.1", "localhost"]) {
    const source = sourceAt(`http://${host}:${port}`);
    await expect(source.flush(DATE, [])).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/);
  }
});
