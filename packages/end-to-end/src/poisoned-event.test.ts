/**
 * An event that cannot be stored, on real processes: made by hand in the stream, it lands in the dead letters after its
 * retries, blocks nobody, and is replayed after a fix, until everything is equal.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type VoteEvent, voteWire } from "@votesync/core";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io } from "socket.io-client";
import { getJson, Installation, postJson } from "./installation.js";

const LOST = "lost-project";

let installation: Installation;
let api: ServiceProcess;
let worker: ServiceProcess;
let gateway: ServiceProcess;
let shard: number;

beforeAll(async () => {
  installation = await Installation.create({ WORKER_RETRY_DELAYS_MS: "100,200,300" });
  api = await installation.start("vote-api");
  worker = await installation.start("vote-worker");
  gateway = await installation.start("realtime-gateway");
  shard = installation.names.shardOf(LOST);
});
afterAll(() => installation.remove());

/** A project on the same shard as the lost one. */
function neighbour(): string {
  for (let i = 0; ; i++) if (installation.names.shardOf(`n${i}`) === shard) return `n${i}`;
}

async function putByHand(requestId: string): Promise<void> {
  const event: VoteEvent = {
    kind: "vote",
    requestId,
    projectId: LOST,
    period: 0,
    userId: "eve",
    action: "created",
    voteType: "up",
    previousVoteType: "none",
    previousAtUs: 0,
    version: Date.now() * 1_000,
    stamp: Date.now() * 1_000,
    upvotes: 1,
    downvotes: 0,
    acceptedAtUs: Date.now() * 1_000,
    idempotency: null,
  };
  await installation.redis.xadd(installation.names.events(shard), "*", "e", voteWire(event));
}

interface Letter {
  id: string;
  error: string;
  attempts: number;
  withdrawn: boolean;
  replay_request_id: string;
  resolution: string;
}

const asLetter = (body: object) => body as unknown as Letter;

async function deadLetters(admin: string): Promise<Letter[]> {
  const { body } = await getJson(`${api.url}/api/votes/dead-letters`, admin);
  return (body as unknown as { dead_letters: Letter[] }).dead_letters;
}

async function listen(user: string) {
  const socket = io(gateway.url, { transports: ["websocket"], auth: { token: await testToken(user) } });
  const failed: object[] = [];
  socket.on("vote:failed", (body: object) => failed.push(body));
  await waitFor(`${user}'s socket`, () => socket.connected);
  return { failed, close: () => socket.close() };
}

/** A vote of somebody else on the same shard, and it is in PostgreSQL when this returns. */
async function neighbourVotes(user: string): Promise<void> {
  const vote = { project_id: neighbour(), vote_type: "up", durability: "committed" };
  expect((await postJson(`${api.url}/api/votes`, await testToken(user), vote)).status).toBe(200);
}

test("a poisoned event becomes a dead letter after its retries, and is replayed after the fix", async () => {
  const [admin, eve] = [await testToken("root", { role: "admin" }), await testToken("eve")];
  await installation.createProjects(api, [neighbour()]);
  const sockets = { eve: await listen("eve"), ann: await listen("ann") };
  const requestId = `${shard}.${randomUUID()}`;
  await putByHand(requestId);
  await neighbourVotes("ann");
  const status = async (token = eve) => (await getJson(`${api.url}/api/votes/status/${requestId}`, token)).body.data;

  const [letter] = await waitFor("the dead letter", async () => {
    const found = await deadLetters(admin);
    return found[0]?.withdrawn === true && found;
  });
  expect(letter).toMatchObject({ error: "there is no such project", attempts: 4 });
  expect(await status()).toMatchObject({ state: "dead", attempts: 4, error: expect.not.stringContaining("project") });
  expect(await status(admin)).toMatchObject({ state: "dead", error: "there is no such project" });
  await waitFor("eve to be told", () => sockets.eve.failed.length > 0);
  expect(sockets.eve.failed[0]).toMatchObject({ request_id: requestId, id: LOST });
  await neighbourVotes("bob");
  expect(sockets.ann.failed).toEqual([]);

  const replay = () => postJson(`${api.url}/api/votes/dead-letters/${letter?.id}/replay`, admin, {});
  expect((await replay()).status).toBe(409);
  await installation.createProjects(api, [LOST]);
  const replayed = await replay();
  expect(replayed.status).toBe(200);
  expect(asLetter(replayed.body).resolution).toBe("replayed");
  expect((await replay()).status).toBe(409);
  expect(await deadLetters(admin)).toEqual([]);

  await installation.drained();
  expect((await getJson(`${api.url}/api/projects/${LOST}`)).body).toMatchObject({ upvotes: 1, downvotes: 0 });
  expect(await installation.query("SELECT upvotes, downvotes FROM projects WHERE id = $1", [LOST])).toEqual([
    { upvotes: "1", downvotes: "0" },
  ]);
  const request = asLetter(replayed.body).replay_request_id;
  expect(await installation.query("SELECT user_id, vote_type FROM votes WHERE project_id = $1", [LOST])).toEqual([
    { user_id: "eve", vote_type: "up" },
  ]);
  expect(await installation.query("SELECT request_id FROM vote_events WHERE project_id = $1", [LOST])).toEqual([
    { request_id: request },
  ]);
  expect(await status()).toMatchObject({ request_id: requestId, state: "persisted", reconciled: true, error: null });
  for (const socket of Object.values(sockets)) socket.close();
});

test("a worker killed again and again between its steps still settles every dead letter, once in effect", async () => {
  const id = neighbour();
  await installation.query("ALTER TABLE votes ADD CONSTRAINT poison CHECK (user_id NOT LIKE 'doomed%') NOT VALID");
  const before = (await getJson(`${api.url}/api/projects/${id}`)).body.upvotes;
  for (let i = 0; i < 20; i++) {
    const vote = { project_id: id, vote_type: "up" };
    expect((await postJson(`${api.url}/api/votes`, await testToken(`doomed${i}`), vote)).status).toBe(200);
  }
  const settled = async () => {
    const [row] = await installation.query<{ n: string }>(
      "SELECT count(*) AS n FROM dead_letters WHERE user_id LIKE 'doomed%' AND withdrawn_at IS NOT NULL",
    );
    return Number(row?.n);
  };
  for (const count of [1, 5, 10, 15]) {
    await waitFor("some letters to be settled", async () => (await settled()) >= count, 60_000);
    await worker.kill9();
    await worker.restart();
  }
  await waitFor("all letters to be settled", async () => (await settled()) === 20, 60_000);
  await installation.query("ALTER TABLE votes DROP CONSTRAINT poison");
  await installation.drained();
  expect((await getJson(`${api.url}/api/projects/${id}`)).body.upvotes).toBe(before);
  const [row] = await installation.query<{ upvotes: string }>("SELECT upvotes FROM projects WHERE id = $1", [id]);
  expect(Number(row?.upvotes)).toBe(before);
});

test("the worker says what it holds, how far, and what failed", async () => {
  // A worker that was killed counts as living until PostgreSQL notices; then this one takes the rest.
  const held = await waitFor("all shards to be held", async () => {
    const answer = await fetch(`${worker.url}/readyz`);
    const { checks } = (await answer.json()) as { checks: { shards: { held: object } } };
    return Object.keys(checks.shards.held).length === 8 && checks.shards.held;
  });
  expect(held).toHaveProperty(String(shard), {
    last_id: expect.stringMatching(/^\d+-\d+$/),
    last_at: expect.stringMatching(/^20/),
  });
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(metrics).toMatch(/^votesync_worker_parked_events\{.*\} 0$/m);
  expect(metrics).toMatch(/^votesync_worker_unresolved_dead_letters\{.*\} 20$/m);
});
