/** Another voting API, well behaved and not: the example server, and servers that do everything wrong. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { createVotesServer } from "@votesync/example-external-votes";
import { z } from "zod";
import { externalVotesConfigShape, withExternalVotesSecret } from "./external-votes-config.js";
import { ExternalVotesSource } from "./external-votes-source.js";
import type { FlushedApp } from "./vote-source.js";

const SECRET = "a secret of two parties, long enough for both";
const DATE = "2024-01-15";
const TIMEOUT_MS = 300;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const own = { flush: async (_date: string, apps: readonly FlushedApp[]) => apps.map(({ appId }) => appId) };
const sourceAt = (url: string, secret = SECRET) => new ExternalVotesSource({ url, secret, timeoutMs: TIMEOUT_MS }, own);

/** A server that answers every request with this. */
const answering = (answer: RequestListener) => listen(createServer(answer)).then((url) => sourceAt(url));
const json = (body: unknown, status = 200) =>
  answering((_req, res) => res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)));
const votes = (list: unknown) => ({ date: DATE, countedAt: "2024-01-16T00:00:03Z", votes: list });

test("counts come with the moment they were counted at; flushed votes are gone, and may be flushed again", async () => {
  const counts = new Map([
    ["rocket", 42],
    ["teapot", 0],
  ]);
  const source = sourceAt(await listen(createVotesServer(SECRET, new Map([[DATE, counts]]))));
  const counted = await source.count(DATE);
  expect(counted.votes).toEqual(counts);
  expect(Math.abs(counted.countedAt.getTime() - Date.now())).toBeLessThan(60_000);

  const apps = [{ appId: "rocket", votes: 42 }];
  expect(await source.flush(DATE, apps)).toEqual(["rocket"]);
  expect(await source.flush(DATE, apps)).toEqual(["rocket"]);
  expect((await source.count(DATE)).votes).toEqual(
    new Map([
      ["rocket", 0],
      ["teapot", 0],
    ]),
  );
});

test("a wrong secret is refused by the example server, and nothing is flushed", async () => {
  const counts = new Map([["rocket", 42]]);
  const source = sourceAt(await listen(createVotesServer(SECRET, new Map([[DATE, counts]]))), `${SECRET}!`);
  await expect(source.count(DATE)).rejects.toThrow("answered 401");
  await expect(source.flush(DATE, [{ appId: "rocket", votes: 42 }])).rejects.toThrow("answered 401");
  expect(counts.get("rocket")).toBe(42);
});

test("a base path is kept, and every try of a request carries the same id", async () => {
  const seen: string[] = [];
  const url = await listen(
    createServer((req, res) => {
      seen.push(`${req.method} ${req.url} ${req.headers["webhook-id"]}`);
      if (seen.length < 3) res.writeHead(503).end();
      else res.end(JSON.stringify(votes([{ appId: "rocket", votes: 1 }])));
    }),
  );
  expect((await sourceAt(`${url}/v1/`).count(DATE)).votes).toEqual(new Map([["rocket", 1]]));
  expect(seen).toEqual(Array(3).fill(`GET /v1/votes?date=${DATE} votes-${DATE}`));
});

const GARBAGE: [what: string, body: unknown, words: string][] = [
  ["an empty object", {}, "no answer"],
  ["a list", [], "no answer"],
  ["another day", { ...votes([]), date: "2024-01-16" }, "answered for 2024-01-16"],
  ["no moment", { date: DATE, votes: [] }, "countedAt"],
  ["a negative count", votes([{ appId: "rocket", votes: -1 }]), "votes.0.votes"],
  ["half a vote", votes([{ appId: "rocket", votes: 0.5 }]), "votes.0.votes"],
  ["more votes than a number holds", votes([{ appId: "rocket", votes: 1e300 }]), "votes.0.votes"],
  ["a count that is text", votes([{ appId: "rocket", votes: "42" }]), "votes.0.votes"],
  ["an id that is none", votes([{ appId: "a b", votes: 1 }]), "votes.0.appId"],
  [
    "an app twice",
    votes([
      { appId: "a", votes: 1 },
      { appId: "a", votes: 2 },
    ]),
    "named an app twice",
  ],
];

test.each(GARBAGE)("counts are not believed: %s", async (_, body, words) => {
  const source = await json(body);
  await expect(source.count(DATE)).rejects.toThrow(words);
});

test.each([
  ["no JSON", "<html>Welcome</html>", "no JSON"],
  ["nothing", "", "no JSON"],
  ["half a document", '{"date":"2024-', "no JSON"],
])("counts are not believed: %s", async (_, text, words) => {
  const source = await answering((_req, res) => res.end(text));
  await expect(source.count(DATE)).rejects.toThrow(words);
});

test("an answer without an end is given up", async () => {
  const source = await answering((_req, res) => {
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

test.each<[what: string, answer: RequestListener, words: RegExp]>([
  ["it says nothing", () => undefined, /cannot be reached: .*timeout/],
  ["it drips", (_req, res) => res.write('{"date":'), /broke off its answer: .*timeout/],
  ["it hangs up", (req) => req.socket.destroy(), /cannot be reached/],
  ["it hangs up halfway", (req, res) => res.write('{"date":', () => req.socket.destroy()), /broke off its answer/],
  ["it points elsewhere", (_req, res) => res.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), /cannot be/],
  ["it fails", (_req, res) => res.writeHead(500).end("a stack trace"), /answered 500$/],
  ["it is away", (_req, res) => res.writeHead(503).end(), /answered 503$/],
])("nobody waits for ever: %s", async (_, answer, words) => {
  const source = await answering(answer);
  await expect(source.count(DATE)).rejects.toThrow(words);
});

test("nobody listens there", async () => {
  const url = await listen(createServer());
  const server = servers.pop() as Server;
  server.close();
  await once(server, "close");
  await expect(sourceAt(url).flush(DATE, [])).rejects.toThrow("cannot be reached");
});

test("a flush that is half done says so; one that names what it was not asked for is not believed", async () => {
  const apps = [
    { appId: "rocket", votes: 42 },
    { appId: "teapot", votes: 7 },
  ];
  expect(await (await json({ date: DATE, flushed: ["teapot"] })).flush(DATE, apps)).toEqual(["teapot"]);
  await expect((await json({ date: DATE, flushed: ["other"] })).flush(DATE, apps)).rejects.toThrow("not asked");
  await expect((await json({ date: DATE, flushed: "all" })).flush(DATE, apps)).rejects.toThrow("flushed");
});

const configSchema = withExternalVotesSecret(z.object(externalVotesConfigShape));

test.each<[what: string, env: object, path: string]>([
  ["no secret", { EXTERNAL_VOTES_URL: "https://votes.example" }, "EXTERNAL_VOTES_SECRET"],
  ["a short one", { EXTERNAL_VOTES_URL: "https://v.example", EXTERNAL_VOTES_SECRET: "x" }, "EXTERNAL_VOTES_SECRET"],
  ["another scheme", { EXTERNAL_VOTES_URL: "ftp://v.example", EXTERNAL_VOTES_SECRET: SECRET }, "EXTERNAL_VOTES_URL"],
  [
    "a password in it",
    { EXTERNAL_VOTES_URL: "http://a:b@v.example", EXTERNAL_VOTES_SECRET: SECRET },
    "EXTERNAL_VOTES_URL",
  ],
])("a configuration with %s is refused", (_, env, path) => {
  const { error } = configSchema.safeParse(env);
  expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});

test("without an address nothing is needed", () => {
  expect(configSchema.parse({})).toEqual({ EXTERNAL_VOTES_TIMEOUT_MS: 10_000 });
});
