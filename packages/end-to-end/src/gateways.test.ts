/** Gateways as real processes and clients as pages have them: a gateway that is stopped, a token that runs out. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createVoteClient, type VoteClient, type VoteClientOptions } from "@votesync/client";
import { publishOutcome } from "@votesync/redis-store";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io } from "socket.io-client";
import { Installation, postJson } from "./installation.js";

const CLIENTS = 80;
const VOTES = 60;

let installation: Installation;
let api: ServiceProcess;
let gateways: [ServiceProcess, ServiceProcess];
const clients: VoteClient[] = [];

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  gateways = [await installation.start("realtime-gateway"), await installation.start("realtime-gateway")];
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => installation.remove());

function clientOf(options: VoteClientOptions = {}): VoteClient {
  const client = createVoteClient({ url: api.url, realtimeUrls: gateways.map(({ url }) => url), ...options });
  clients.push(client);
  return client;
}

const vote = async (user: string, project_id: string) =>
  postJson(`${api.url}/api/votes`, await testToken(user), { project_id, vote_type: "up" });

const live = (client: VoteClient) => waitFor("the client to be live", () => client.connection.get() === "live");

/** Watches the project. @returns every version the client ever showed */
function versionsShown(client: VoteClient, id: string): number[] {
  const versions: number[] = [];
  client.project(id).watch(() => versions.push(client.project(id).get()?.version ?? 0));
  client.watch({ projects: [id] });
  return versions;
}

/** A socket whose page is frozen: it reads nothing and answers nothing. */
async function frozenSocket(url: string) {
  const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  (socket.io.engine.transport as unknown as { ws: { pause(): void } }).ws.pause();
  return socket;
}

test("a gateway that is told to stop sends everybody to the other one, who miss nothing, and exits with 0", async () => {
  await installation.createProjects(api, ["gw:move"]);
  const [first, second] = gateways;
  const crowd = Array.from({ length: CLIENTS }, () => clientOf());
  const shown = crowd.map((client) => versionsShown(client, "gw:move"));
  for (const client of crowd) await live(client);
  const frozen = await frozenSocket(first.url);
  // On a busy machine some may have found the first one slow, and are with the other one already.
  const moved = await socketsOf(second);
  expect(await socketsOf(first)).toBe(CLIENTS - moved + 1);
  expect(moved).toBeLessThan(CLIENTS / 2);
  const stopping = first.stop();
  for (let i = 0; i < VOTES; i++) await vote(`mover ${i}`, "gw:move");
  // It gives itself nine seconds, and exits with 1 when they are over.
  expect(await stopping).toBe(0);
  for (const client of crowd) {
    await live(client);
    await waitFor("all votes", () => client.project("gw:move").get()?.upvotes === VOTES);
  }
  for (const versions of shown) expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(await socketsOf(second)).toBe(CLIENTS);
  frozen.close();
  await first.restart();
});

async function socketsOf({ url }: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  return Number(/^votesync_gateway_sockets(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1]);
}

const tellPrivately = (userId: string, id: string) =>
  publishOutcome(installation.redis, installation.names, {
    userId,
    event: "notification",
    body: { id, kind: "test", project_id: "gw:token", text: id, created_at: new Date().toISOString() },
  });

test("a token that runs out while connected: the client asks for another, and hears all that it heard before", async () => {
  await installation.createProjects(api, ["gw:token"]);
  const tokens = [await testToken("ann", { expiresInS: 3 }), await testToken("ann")];
  let asked = 0;
  const client = clientOf({ token: () => tokens[Math.min(asked++, 1)] as string });
  const heard: string[] = [];
  client.on("notification", ({ id }) => heard.push(id));
  const versions = versionsShown(client, "gw:token");
  await waitFor("another token to be asked for", () => asked === 2);
  await waitFor("something private", async () => {
    await tellPrivately("ann", "private");
    return heard.length > 0;
  });
  await live(client);
  await vote("ben", "gw:token");
  await waitFor("the vote", () => client.project("gw:token").get()?.upvotes === 1);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(asked).toBe(2);
});

test("a token that runs out and is the only one: the client goes on watching, on the connection it has", async () => {
  await installation.createProjects(api, ["gw:only"]);
  const client = clientOf({ token: await testToken("cem", { expiresInS: 4 }) });
  const states: string[] = [];
  client.watch({ projects: ["gw:only"] });
  await live(client);
  client.connection.watch(() => states.push(client.connection.get()));
  await endOfAToken(5);
  await vote("ben", "gw:only");
  await waitFor("the vote", () => client.project("gw:only").get()?.upvotes === 1);
  expect(states).toEqual([]);
});

/** Another socket is told that a token is over which lasts a second longer than the client's. */
async function endOfAToken(expiresInS: number): Promise<void> {
  const token = await testToken("dan", { expiresInS });
  const socket = io((gateways[0] as ServiceProcess).url, {
    transports: ["websocket"],
    forceNew: true,
    auth: { token },
  });
  await new Promise<void>((resolve) => socket.once("token:expired", () => resolve()));
  socket.close();
}
