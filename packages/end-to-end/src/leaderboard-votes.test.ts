/** Points of votes on real processes: who watches a board is told, and a vote that does not become a row leaves no point. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io, type Socket } from "socket.io-client";
import { getJson, Installation, postJson, postVote } from "./installation.js";

let installation: Installation;
let api: ServiceProcess;
let gateway: ServiceProcess;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0", WORKER_RETRY_DELAYS_MS: "50,50,50" });
  [api, gateway] = await Promise.all([
    installation.start("vote-api"),
    installation.start("realtime-gateway"),
    installation.start("sync-scheduler"),
    installation.start("vote-worker"),
  ]);
  // Their owner is "owner".
  await installation.createProjects(api, ["p1"]);
});
afterAll(() => installation.remove());

interface Page {
  period: string;
  key: string;
  total: number;
  entries: { rank: number; user_id: string; points: number }[];
}

const page = async (query: string) => (await getJson(`${api.url}/api/leaderboard?${query}`)).body as unknown as Page;
const vote = async (user: string, project_id: string, vote_type: string) =>
  postVote(api, await testToken(user), { project_id, vote_type });
const pointsOf = async (user: string) =>
  (await page("limit=100")).entries.find(({ user_id }) => user_id === user)?.points ?? null;

test("watchers are told the top ten after votes, with equal ranks, in the order of the page", async () => {
  const owners = Array.from({ length: 12 }, (_, i) => `maker ${i}`);
  for (const [i, owner] of owners.entries()) {
    const project = { id: `made-${i}`, title: "Made" };
    expect((await postJson(`${api.url}/api/projects`, await testToken(owner), project)).status).toBe(201);
  }
  const socket: Socket = io(gateway.url, { transports: ["websocket"], forceNew: true });
  const told: Pick<Page, "period" | "key" | "entries">[] = [];
  socket.on("leaderboard:updated", (message) => told.push(message));
  try {
    await socket.timeout(30_000).emitWithAck("subscribe", { leaderboards: ["daily", "yearly"] });
    // One fan for the first maker, two for the second, and so on; the last two have equally many.
    const votes = owners.flatMap((_, i) => Array.from({ length: Math.min(i + 1, 11) }, (_, n) => [`fan ${n}`, i]));
    for (const [fan, i] of votes) expect((await vote(String(fan), `made-${i}`, "up")).status).toBe(200);
    for (const period of ["daily", "yearly"]) {
      await waitFor(
        "every point",
        async () => {
          const { entries } = await page(`period=${period}&limit=100`);
          return entries.reduce((sum, { points }) => sum + points, 0) === votes.length;
        },
        30_000,
      );
      const { key, entries } = await page(`period=${period}&limit=10`);
      expect(entries.map(({ rank, points }) => [rank, points])).toEqual([
        [1, 11],
        [1, 11],
        ...Array.from({ length: 8 }, (_, i) => [i + 3, 10 - i]),
      ]);
      const last = () => told.findLast((message) => message.period === period);
      await waitFor("the last word", () => JSON.stringify(last()) === JSON.stringify({ period, key, entries }));
    }
  } finally {
    socket.close();
  }
});

test("the point of a vote that could not be stored is given, and taken back when the vote is", async () => {
  await installation.query("ALTER TABLE votes ADD CONSTRAINT poison CHECK (user_id <> 'doomed') NOT VALID");
  await Promise.all(["doomed", "dora"].map((user) => vote(user, "p1", "up")));
  await waitFor("the letter to be settled", async () => {
    const [letter] = await installation.query<{ withdrawn_at: Date | null }>("SELECT withdrawn_at FROM dead_letters");
    return letter?.withdrawn_at;
  });
  await waitFor("dora's point alone", async () => (await pointsOf("owner")) === 1);
  // Both have been given by then: the letter is settled behind them in the stream.
  await vote("dora", "p1", "none");
  await waitFor("nobody's point", async () => (await pointsOf("owner")) === null);
  await installation.query("ALTER TABLE votes DROP CONSTRAINT poison");
});
