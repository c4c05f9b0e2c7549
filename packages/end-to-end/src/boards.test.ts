/** Boards where everyone must see the same: queues over two replicas, what is played next, and the way past a store. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BreakableLink, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson } from "./installation.js";
import { addStream, HOST, type JamQueue, makeJam, post, readQueue, titles } from "./jams.js";

let installation: Installation;
let link: BreakableLink;
let here: ServiceProcess;
let there: ServiceProcess;
let worker: ServiceProcess;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  link = await BreakableLink.to(installation.redisServer.url);
  here = await installation.start("vote-api");
  there = await installation.start("vote-api", { REDIS_URL: link.url(installation.redisServer.url) });
  worker = await installation.start("vote-worker");
});
afterAll(async () => {
  await installation.remove();
  await link.cut();
});

const vote = (api: ServiceProcess, user: string, streamId: string, way: "upvote" | "downvote" = "upvote") =>
  post(api, `/api/streams/${way}`, { streamId }, user);

test("a queue is ordered by votes, then by age, the same on every replica right after each answer", async () => {
  await makeJam(here, "order", { mode: "optimistic" });
  const [a, b, c] = [
    await addStream(here, "order", "A"),
    await addStream(there, "order", "B"),
    await addStream(here, "order", "C"),
  ];
  expect(titles(await readQueue(there, "order"))).toEqual(["A", "B", "C"]);
  expect(await vote(here, "ann", c)).toMatchObject({
    status: 200,
    body: { status: "success", data: { id: c, upvotes: 1, voteCount: 1, user_vote: "up", action: "created" } },
  });
  expect(titles(await readQueue(there, "order"))).toEqual(["C", "A", "B"]);
  await vote(there, "ann", b);
  await vote(here, "ben", a, "downvote");
  const queue = await readQueue(there, "order", { user: "ann" });
  expect(titles(queue)).toEqual(["B", "C", "A"]);
  expect(queue.streams.map(({ votes, userVote }) => [votes, userVote])).toEqual([
    [1, "up"],
    [1, "up"],
    [-1, null],
  ]);
  // A vote by the ordinary route is a vote on the stream.
  expect(await post(there, "/api/votes", { project_id: c, vote_type: "none" }, "ann")).toMatchObject({ status: 200 });
  const after = await readQueue(here, "order", { user: "ann" });
  expect(titles(after)).toEqual(["B", "C", "A"]);
  expect(after.streams[1]).toMatchObject({ votes: 0, userVote: null });
  expect(after.version).toBeGreaterThan(queue.version);
  expect(await readQueue(here, "order", { query: "&fresh=1" })).toMatchObject({ version: after.version });
});

test("what is played next leaves the queue; a doubled click skips one; the last one leaves nothing", async () => {
  await makeJam(here, "next");
  const first = await addStream(here, "next", "First");
  const loved = await addStream(here, "next", "Loved");
  await vote(here, "ann", loved);
  const playing = await post(there, "/api/streams/next", { jamId: "next", activeId: null });
  expect(playing).toMatchObject({ status: 200, body: { jamId: "next", activeStream: { id: loved, votes: 1 } } });
  expect(titles(playing.body as unknown as JamQueue)).toEqual(["First"]);
  expect(await post(here, "/api/streams/next", { jamId: "next", activeId: null })).toMatchObject({ status: 409 });
  // Votes on the active one go on, and show.
  await vote(here, "ben", loved);
  expect((await readQueue(there, "next", { user: "ben" })).activeStream).toMatchObject({ votes: 2, userVote: "up" });
  await post(here, "/api/streams/next", { jamId: "next" });
  expect(await readQueue(there, "next")).toMatchObject({ activeStream: { id: first }, streams: [] });
  const end = await post(here, "/api/streams/next", { jamId: "next" });
  expect(end).toMatchObject({ status: 200, body: { activeStream: null, streams: [] } });
  expect(await post(here, "/api/streams/next", { jamId: "next" })).toMatchObject({ status: 200 });
  // Only its owner, and admins.
  expect(await post(here, "/api/streams/next", { jamId: "next" }, "ann")).toMatchObject({ status: 403 });
  const admin = await testToken("root", { role: "admin" });
  expect(await postJson(`${here.url}/api/streams/next`, admin, { jamId: "next" })).toMatchObject({ status: 200 });
});

test("twenty calls for the next one at once, on two replicas, play twenty different streams", async () => {
  await makeJam(here, "rush");
  const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => addStream(i % 2 ? here : there, "rush", `S${i}`)));
  const answers = await Promise.all(
    ids.map(async (_, i) => {
      // Told to try again when the queue kept changing under it.
      let answer = await post(i % 2 ? here : there, "/api/streams/next", { jamId: "rush" });
      while (answer.status === 503) answer = await post(here, "/api/streams/next", { jamId: "rush" });
      return answer.status;
    }),
  );
  expect(new Set(answers)).toEqual(new Set([200]));
  const played = await installation.query<{ id: string }>(
    "SELECT id FROM projects WHERE board_id = 'rush' AND left_queue_at IS NOT NULL",
  );
  expect(played.map(({ id }) => id).sort()).toEqual(ids.toSorted());
  expect(await readQueue(here, "rush")).toMatchObject({ streams: [] });
});

test("the trail holds the last 200 votes, newest first, for the owner", async () => {
  await makeJam(here, "trail");
  const id = await addStream(here, "trail", "Only");
  for (let i = 0; i < 205; i++) await vote(i % 2 ? here : there, `fan ${i}`, id);
  await vote(here, "fan 204", id);
  await post(here, "/api/votes", { project_id: id, vote_type: "none" }, "fan 0");
  const trail = async (user: string) => getJson(`${there.url}/api/streams/debug?jamId=trail`, await testToken(user));
  const { status, body } = await trail(HOST);
  expect(status).toBe(200);
  const { actions } = body as unknown as { actions: { at: string; version: number }[] };
  expect(actions).toHaveLength(200);
  expect(actions[0]).toEqual({
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    user_id: "fan 0",
    stream_id: id,
    vote_type: "none",
    action: "removed",
    version: expect.any(Number),
  });
  expect(actions[1]).toMatchObject({ user_id: "fan 204", vote_type: "up", action: "created" });
  expect(actions.map(({ version }) => version)).toEqual(actions.map(({ version }) => version).sort((a, b) => b - a));
  expect((await trail("fan 0")).status).toBe(403);
});

test("votes that went past Redis on a replica that is cut off show everywhere at once, also in the trail", async () => {
  await makeJam(here, "cut");
  const [quiet, loud] = [await addStream(here, "cut", "Quiet"), await addStream(here, "cut", "Loud")];
  await vote(here, "ann", quiet);
  await installation.drained();
  expect(titles(await readQueue(there, "cut"))).toEqual(["Quiet", "Loud"]);
  await link.cut();
  for (const user of ["ben", "cem"]) {
    expect(await vote(there, user, loud)).toMatchObject({ status: 200, body: { data: { degraded: true } } });
    for (const api of [here, there]) {
      const shown = (await readQueue(api, "cut", { user })).streams.find(({ id }) => id === loud);
      expect(shown).toMatchObject({ votes: user === "ben" ? 1 : 2, userVote: "up" });
    }
  }
  expect(titles(await readQueue(here, "cut"))).toEqual(["Loud", "Quiet"]);
  const trail = await getJson(`${here.url}/api/streams/debug?jamId=cut`, await testToken(HOST));
  expect((trail.body as unknown as { actions: object[] }).actions).toMatchObject([
    { user_id: "cem" },
    { user_id: "ben" },
    { user_id: "ann" },
  ]);
  await link.restore();
  await waitFor("recovery", async () => {
    const [waiting] = await installation.query<{ count: string }>(
      "SELECT count(*) FROM outbox WHERE recovered_at IS NULL",
    );
    return waiting?.count === "0";
  });
  for (const api of [here, there]) expect(titles(await readQueue(api, "cut"))).toEqual(["Loud", "Quiet"]);
});

test("a Redis that lost everything, or is away: the same queue from PostgreSQL; its version never goes back", async () => {
  await makeJam(here, "lost");
  const [low, high] = [await addStream(here, "lost", "Low"), await addStream(here, "lost", "High")];
  await vote(here, "ann", low);
  await vote(here, "ann", high);
  await vote(here, "ben", high);
  const before = await readQueue(here, "lost");
  await installation.drained();
  await installation.redisServer.kill9();
  expect(titles(await readQueue(here, "lost"))).toEqual(["High", "Low"]);
  expect(await vote(here, "cem", low)).toMatchObject({ body: { data: { degraded: true, upvotes: 2 } } });
  await vote(here, "dan", low);
  expect(titles(await readQueue(here, "lost"))).toEqual(["Low", "High"]);
  await installation.redisServer.wipe();
  await installation.redisServer.restart();
  await waitFor("votes to go through Redis again", async () => {
    const { body } = await vote(here, "eve", low);
    return body.data.degraded === undefined;
  });
  const after = await readQueue(there, "lost", { user: "dan" });
  expect(after.streams).toMatchObject([
    { title: "Low", votes: 4, userVote: "up" },
    { title: "High", votes: 2 },
  ]);
  expect(after.version).toBeGreaterThan(before.version);
});

test("while PostgreSQL does not answer, a queue that is known goes on to be shown", async () => {
  await makeJam(here, "rowless");
  const [a, b] = [await addStream(here, "rowless", "A"), await addStream(here, "rowless", "B")];
  await vote(here, "ann", b);
  expect(titles(await readQueue(here, "rowless"))).toEqual(["B", "A"]);
  await vote(here, "ann", a);
  process.kill(worker.pid, "SIGSTOP");
  await installation.query("ALTER TABLE boards RENAME TO boards_away");
  try {
    await vote(here, "ben", a);
    expect(titles(await readQueue(here, "rowless"))).toEqual(["A", "B"]);
    expect((await getJson(`${here.url}/api/streams?jamId=never-seen`)).status).toBe(503);
  } finally {
    await installation.query("ALTER TABLE boards_away RENAME TO boards");
    process.kill(worker.pid, "SIGCONT");
  }
});

test("boards are found, listed the newest first, and their ids taken once", async () => {
  await makeJam(here, "found", { mode: "optimistic" });
  const found = { id: "found", title: "Jam found", mode: "optimistic", owner_id: HOST };
  expect((await getJson(`${there.url}/api/boards/found`)).body).toMatchObject(found);
  expect((await getJson(`${there.url}/api/boards/nowhere`)).status).toBe(404);
  expect(await post(there, "/api/boards", { id: "found", title: "Again" })).toMatchObject({ status: 409 });
  const made = await post(there, "/api/boards", { title: "Without an id" });
  expect(made.body).toMatchObject({ mode: "server-first" });
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`;
    const page = (await getJson(`${here.url}/api/boards?limit=3${more}`)).body as unknown as {
      boards: { title: string }[];
      next_cursor: string | null;
    };
    seen.push(...page.boards.map(({ title }) => title));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(seen.slice(0, 2)).toEqual(["Without an id", "Jam found"]);
  expect(new Set(seen).size).toBe(seen.length);
});

test("a project made on a board is a stream of its queue; a queue takes 500", async () => {
  await makeJam(here, "full");
  const project = { id: "full:1", title: "By the other door", board_id: "full" };
  expect(await post(here, "/api/projects", project)).toMatchObject({ status: 201 });
  expect(await post(here, "/api/projects", project)).toMatchObject({ status: 409 });
  expect(titles(await readQueue(there, "full"))).toEqual(["By the other door"]);
  await installation.query(
    `INSERT INTO projects (id, title, owner_id, board_id)
     SELECT 'full:' || n, 'S' || n, 'host', 'full' FROM generate_series(2, 500) n`,
  );
  const one = { jamId: "full", title: "One more", url: "https://example.com" };
  expect(await post(here, "/api/streams", one)).toMatchObject({ status: 409 });
  expect((await readQueue(here, "full", { query: "&fresh=1" })).streams).toHaveLength(500);
  await post(here, "/api/streams/next", { jamId: "full" });
  expect(await post(here, "/api/streams", one)).toMatchObject({ status: 201 });
});
