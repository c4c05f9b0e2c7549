/** What another voting API says, well behaved and not: what is believed, and what is not. */
import { afterEach, expect, test } from "@jest/globals";
import { createVotesServer } from "@votesync/example-external-votes";
import { z } from "zod";
import { externalVotesConfigShape } from "./external-votes-config.js";
import { DATE, SECRET, sourceAt, VotingServers, countsOf as votes } from "./voting-servers.testing.js";

const servers = new VotingServers();
afterEach(() => servers.close());

test("counts come with the moment they were counted at; flushed votes are gone, and may be flushed again", async () => {
  const counts = new Map([
    ["rocket", 42],
    ["teapot", 0],
  ]);
  const source = sourceAt(await servers.listen(createVotesServer(SECRET, new Map([[DATE, counts]]))));
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

const GARBAGE: [what: string, body: unknown, words: string][] = [
  ["an empty object", {}, "no answer"],
  ["a list", [], "no answer"],
  ["another day", { ...votes([]), date: "2024-01-16" }, "answered for 2024-01-16"],
  ["no moment", { date: DATE, votes: [] }, "countedAt"],
  ["a negative count", votes([{ appId: "rocket", votes: -1 }]), "votes.0.votes"],
  ["half a vote", votes([{ appId: "rocket", votes: 0.5 }]), "votes.0.votes"],
  ["more votes than a number holds", votes([{ appId: "rocket", votes: 1e300 }]), "votes.0.votes"],
  ["more votes than there are people", votes([{ appId: "rocket", votes: 10_000_000_001 }]), "votes.0.votes"],
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
  const source = await servers.json(body);
  await expect(source.count(DATE)).rejects.toThrow(words);
});

test.each([
  ["no JSON", "<html>Welcome</html>", "no JSON"],
  ["nothing", "", "no JSON"],
  ["half a document", '{"date":"2024-', "no JSON"],
])("counts are not believed: %s", async (_, text, words) => {
  const source = await servers.answering((_req, res) => res.end(text));
  await expect(source.count(DATE)).rejects.toThrow(words);
});

test("an answer that says it is HTML is not believed, whatever is in it; one that does not say what it is may be JSON", async () => {
  const text = JSON.stringify(votes([{ appId: "rocket", votes: 1 }]));
  const html = await servers.answering((_req, res) => res.setHeader("content-type", "text/html").end(text));
  await expect(html.count(DATE)).rejects.toThrow("answered text/html, not JSON");
  const problem = await servers.answering((_req, res) => res.setHeader("content-type", "application/x+json").end(text));
  expect((await problem.count(DATE)).votes).toEqual(new Map([["rocket", 1]]));
  const silent = await servers.answering((_req, res) => res.end(text));
  expect((await silent.count(DATE)).votes).toEqual(new Map([["rocket", 1]]));
});

test("an API that gives the same request the same answer, for ever, still finishes a flush that was half done", async () => {
  const answers = new Map<string, string>();
  const flushed: string[] = [];
  const source = await servers.answering((req, res) => {
    const id = String(req.headers["webhook-id"]);
    if (!answers.has(id)) {
      flushed.push(flushed.length === 0 ? "rocket" : "teapot");
      answers.set(id, JSON.stringify({ date: DATE, flushed }));
    }
    res.end(answers.get(id));
  });
  const apps = [
    { appId: "rocket", votes: 42 },
    { appId: "teapot", votes: 7 },
  ];
  expect(await source.flush(DATE, apps)).toEqual(["rocket"]);
  expect(await source.flush(DATE, apps)).toEqual(["rocket", "teapot"]);
});

test("a flush that is half done says so; one that names what it was not asked for is not believed", async () => {
  const apps = [
    { appId: "rocket", votes: 42 },
    { appId: "teapot", votes: 7 },
  ];
  expect(await (await servers.json({ date: DATE, flushed: ["teapot"] })).flush(DATE, apps)).toEqual(["teapot"]);
  await expect((await servers.json({ date: DATE, flushed: ["other"] })).flush(DATE, apps)).rejects.toThrow("not asked");
  await expect((await servers.json({ date: DATE, flushed: "all" })).flush(DATE, apps)).rejects.toThrow("flushed");
});

const configSchema = z.object(externalVotesConfigShape);

test.each<[what: string, env: object, path: string]>([
  ["a short one", { EXTERNAL_VOTES_URL: "https://v.example", EXTERNAL_VOTES_SECRET: "x" }, "EXTERNAL_VOTES_SECRET"],
  ["another scheme", { EXTERNAL_VOTES_URL: "ftp://v.example", EXTERNAL_VOTES_SECRET: SECRET }, "EXTERNAL_VOTES_URL"],
  ["a user in it", { EXTERNAL_VOTES_URL: "http://a@v.example", EXTERNAL_VOTES_SECRET: SECRET }, "EXTERNAL_VOTES_URL"],
  ["a password", { EXTERNAL_VOTES_URL: "http://:b@v.example", EXTERNAL_VOTES_SECRET: SECRET }, "EXTERNAL_VOTES_URL"],
])("a configuration with %s is refused", (_, env, path) => {
  const { error } = configSchema.safeParse(env);
  expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});

test("without an address nothing is needed", () => {
  expect(configSchema.parse({})).toEqual({ EXTERNAL_VOTES_TIMEOUT_MS: 10_000 });
});
