/** The client against real services, in Node: votes, boards, gateways that die, and no gateway at all. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createVoteClient, type VoteClient, type VoteClientOptions } from "@votesync/client";
import { BreakableLink, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postJson } from "./installation.js";
import { addStream, makeJam, post } from "./jams.js";

let installation: Installation;
let api: ServiceProcess;
let gateways: ServiceProcess[];
const clients: VoteClient[] = [];

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  await installation.start("vote-worker");
  gateways = [await installation.start("realtime-gateway"), await installation.start("realtime-gateway")];
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => installation.remove());

const urls = () => gateways.map(({ url }) => url);

async function clientOf(user: string | null, options: VoteClientOptions = {}): Promise<VoteClient> {
  const token = user === null ? null : await testToken(user);
  const client = createVoteClient({
    url: api.url,
    realtimeUrls: urls(),
    token,
    debounceMs: 0,
    minIntervalMs: 0,
    ...options,
  });
  clients.push(client);
  return client;
}

const vote = async (user: string, project_id: string, vote_type: string) =>
  postJson(`${api.url}/api/votes`, await testToken(user), { project_id, vote_type });

const live = (client: VoteClient) => waitFor("the client to be live", () => client.connection.get() === "live");

test("what is watched is known, follows votes, and knows the own vote; what does not exist is said so", async () => {
  await installation.createProjects(api, ["sdk:1", "sdk:2"]);
  await vote("ann", "sdk:1", "up");
  const client = await clientOf("ann");
  expect(client.connection.get()).toBe("idle");
  const release = client.watch({ projects: ["sdk:1", "sdk:none"] });
  const project = () => client.project("sdk:1").get();
  await waitFor("counts and own vote", () => project()?.ownVote === "up");
  expect(project()).toMatchObject({ id: "sdk:1", upvotes: 1, voteCount: 1, pending: false, error: null });
  expect(client.project("sdk:none").get()).toBeNull();
  await vote("ben", "sdk:1", "up");
  await waitFor("the other's vote", () => project()?.upvotes === 2);
  client.click("sdk:1", "up");
  expect(project()).toMatchObject({ upvotes: 1, ownVote: null, pending: true });
  await waitFor("the answer", () => project()?.pending === false);
  expect(project()).toMatchObject({ upvotes: 1, ownVote: null });
  release();
  release();
  // What is not wanted any more is let go of before anything new is subscribed to.
  client.watch({ projects: ["sdk:2"] });
  await waitFor("another project", () => client.project("sdk:2").get()?.upvotes === 0);
  await vote("ben", "sdk:1", "none");
  const other = await clientOf(null);
  other.watch({ projects: ["sdk:1"] });
  await waitFor("another client", () => other.project("sdk:1").get()?.upvotes === 0);
  expect(project()).toMatchObject({ upvotes: 1 });
});

test("what is made while somebody waits for it is shown, and followed", async () => {
  const client = await clientOf(null);
  client.watch({ projects: ["sdk:later"] });
  const project = () => client.project("sdk:later").get();
  await waitFor("that there is none", () => project() === null);
  await installation.createProjects(api, ["sdk:later"]);
  await waitFor("the project", () => project()?.upvotes === 0);
  await vote("ann", "sdk:later", "up");
  await waitFor("the vote", () => project()?.upvotes === 1);
});

test("a vote that is refused is taken back and says why", async () => {
  const client = await clientOf("ann");
  client.vote("sdk:nowhere", "up");
  await waitFor("the refusal", () => client.project("sdk:nowhere").get()?.error?.status === 404);
  expect(client.project("sdk:nowhere").get()).toMatchObject({ ownVote: null, pending: false });
  const nobody = await clientOf(null);
  nobody.vote("sdk:1", "up");
  await waitFor("the refusal", () => nobody.project("sdk:1").get()?.error?.status === 401);
});

test("a board: order, own votes, the active one; a server-first board shows a vote once it is answered", async () => {
  await makeJam(api, "sdk-jam");
  const [a, b] = [await addStream(api, "sdk-jam", "A"), await addStream(api, "sdk-jam", "B")];
  const client = await clientOf("ann");
  client.watch({ boards: ["sdk-jam", "sdk-none"] });
  const board = () => client.board("sdk-jam").get();
  const order = () => board()?.streams.map(({ title, voteCount }) => `${title} ${voteCount}`);
  await waitFor("the queue", () => order()?.join() === "A 0,B 0");
  expect(board()).toMatchObject({ title: "Jam sdk-jam", display: "server-first", ownerId: "host", activeStream: null });
  await waitFor("the unknown board", () => client.board("sdk-none").get() === null);
  client.click(b, "up");
  expect(board()?.streams[1]).toMatchObject({ id: b, voteCount: 0, ownVote: null, pending: true });
  await waitFor("the order after the vote", () => order()?.join() === "B 1,A 0");
  // The socket may be faster than the answer.
  await waitFor("the answer", () => board()?.streams[0]?.pending === false);
  expect(board()?.streams[0]).toMatchObject({ ownVote: "up", pending: false });
  await post(api, "/api/streams/next", { jamId: "sdk-jam" });
  await waitFor("what is played", () => board()?.activeStream?.id === b);
  expect(board()?.streams.map(({ id }) => id)).toEqual([a]);
});

test("what is read once when one begins to watch is read again when it failed, also while the socket is live", async () => {
  await installation.createProjects(api, ["sdk:again"]);
  await vote("ann", "sdk:again", "up");
  await makeJam(api, "sdk-again");
  await addStream(api, "sdk-again", "Again");
  const cut = new Set(["/api/boards/sdk-again", "/api/votes/user"]);
  const client = await clientOf("ann", {
    fetch: (input, init) =>
      cut.delete(new URL(String(input)).pathname) ? Promise.reject(new TypeError("cut")) : fetch(input, init),
  });
  client.watch({ projects: ["sdk:again"], boards: ["sdk-again"] });
  await live(client);
  await waitFor("the board", () => client.board("sdk-again").get()?.streams.length === 1);
  await waitFor("the own vote", () => client.project("sdk:again").get()?.ownVote === "up");
  expect([cut.size, client.connection.get()]).toEqual([0, "live"]);
});

test("a token that runs out is asked for anew; somebody else signs in", async () => {
  await installation.createProjects(api, ["sdk:token"]);
  await vote("cem", "sdk:token", "up");
  let asked = 0;
  const tokens = [testToken("cem", { expiresInS: -60 }), testToken("cem")];
  const client = await clientOf(null, { token: () => tokens[Math.min(asked++, 1)] as Promise<string> });
  client.watch({ projects: ["sdk:token"] });
  await waitFor("the own vote", () => client.project("sdk:token").get()?.ownVote === "up");
  expect(asked).toBe(2);
  await live(client);
  client.signIn(await testToken("dan"));
  await waitFor("to be somebody else", () => client.project("sdk:token").get()?.ownVote === null);
  await live(client);
  client.vote("sdk:token", "up");
  await waitFor("dan's vote", () => client.project("sdk:token").get()?.upvotes === 2);
});

test("a gateway killed with -9: the client moves to the other, and misses nothing", async () => {
  await installation.createProjects(api, ["sdk:move"]);
  const [first] = gateways as [ServiceProcess];
  const client = await clientOf(null);
  const versions: number[] = [];
  client.project("sdk:move").watch(() => versions.push(client.project("sdk:move").get()?.version ?? 0));
  client.watch({ projects: ["sdk:move"] });
  await live(client);
  await first.kill9();
  for (let i = 0; i < 20; i++) await vote(`mover ${i}`, "sdk:move", "up");
  await waitFor("all votes", () => client.project("sdk:move").get()?.upvotes === 20);
  await live(client);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  gateways = [await installation.start("realtime-gateway"), gateways[1] as ServiceProcess];
});

test("no gateway: asked by HTTP within seconds, live again when there is one", async () => {
  await installation.createProjects(api, ["sdk:poll"]);
  await makeJam(api, "sdk-poll-jam");
  const stream = await addStream(api, "sdk-poll-jam", "Polled");
  const link = await BreakableLink.to((gateways[0] as ServiceProcess).url);
  await link.cut();
  const client = await clientOf("ann", { realtimeUrls: [link.url(urls()[0] as string)], pollActiveMs: 100 });
  client.watch({ projects: ["sdk:poll", "sdk:poll-none"], boards: ["sdk-poll-jam"], leaderboards: ["yearly"] });
  await waitFor("polling", () => client.connection.get() === "polling");
  expect(client.project("sdk:poll").get()).toMatchObject({ upvotes: 0, ownVote: null });
  expect(client.project("sdk:poll-none").get()).toBeNull();
  expect(client.leaderboard("yearly").get()).toMatchObject({ period: "yearly" });
  await vote("ben", "sdk:poll", "up");
  await post(api, "/api/streams/upvote", { streamId: stream }, "ann");
  await waitFor("the vote", () => client.project("sdk:poll").get()?.upvotes === 1);
  await waitFor("the vote on the board", () => client.board("sdk-poll-jam").get()?.streams[0]?.ownVote === "up");
  await link.restore();
  await live(client);
  await vote("cem", "sdk:poll", "up");
  await waitFor("the next vote", () => client.project("sdk:poll").get()?.upvotes === 2);
  client.close();
  await link.cut();
});
