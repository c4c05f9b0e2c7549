/**
 * After a vote's answer no read by anybody, on any replica, shows less than it: a checker reads from both replicas as fast as
 * it can while votes come in through both. A read also never shows an older board than one that ended before it began.
 */
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, untilTaken } from "./installation.js";
import { addStream, type JamQueue, makeJam } from "./jams.js";

const READS = 50_000;
const READERS = 24;
const VOTERS = 4;
const STREAMS = 6;
/** Only tells an answer from none. */
const DEADLINE_MS = 30_000;

let installation: Installation;
let apis: ServiceProcess[];
let streams: string[];
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  apis = [await installation.start("vote-api"), await installation.start("vote-api")];
  await installation.start("vote-worker");
  await makeJam(api(0), "fresh");
  streams = [];
  for (let i = 0; i < STREAMS; i++) streams.push(await addStream(api(i), "fresh", `S${i}`));
});
afterAll(async () => {
  agent.destroy();
  await installation.remove();
});

const api = (n: number) => apis[n % apis.length] as ServiceProcess;

interface Answer {
  status: number;
  text: string;
}

function send(url: string, token: string, body?: object, more: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
    const sent = request(
      url,
      { method: body === undefined ? "GET" : "POST", agent, headers, timeout: DEADLINE_MS },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
      },
    );
    sent.on("error", reject);
    sent.on("timeout", () => sent.destroy(new Error(`${url}: no answer`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function bodyOf(url: string, { status, text }: Answer): unknown {
  if (status !== 200) throw new Error(`${url}: ${status} ${text}`);
  return JSON.parse(text);
}

const read = async (url: string, token: string) => bodyOf(url, await untilTaken(() => send(url, token)));

/** Under one key, however often it has to be sent. */
async function cast(url: string, token: string, vote: object): Promise<unknown> {
  const key = { "idempotency-key": randomUUID() };
  return bodyOf(url, await untilTaken(() => send(url, token, vote, key)));
}

type Wish = "up" | "down" | "none";
interface Shown {
  version: number;
  upvotes: number;
  downvotes: number;
}

/** What was answered so far, and therefore must show from then on. */
class Ledger {
  readonly counts = new Map<string, Shown>();
  /** `user stream` → their answered vote, another object for each; `null` while one is under way. */
  readonly own = new Map<string, { wish: Wish } | null>();
  boardVersion = 0;
  votes = 0;

  async vote(n: number, user: string, token: string): Promise<void> {
    const stream = streams[Math.floor(Math.random() * streams.length)] as string;
    const wish = (["up", "down", "none"] as const)[Math.floor(Math.random() * 3)] as Wish;
    this.own.set(`${user} ${stream}`, null);
    const body = { project_id: stream, vote_type: wish };
    const { data } = (await cast(`${api(n).url}/api/votes`, token, body)) as { data: Shown };
    this.votes++;
    this.own.set(`${user} ${stream}`, { wish });
    if (data.version > (this.counts.get(stream)?.version ?? 0)) this.counts.set(stream, data);
  }
}

const inOrder = (queue: JamQueue) =>
  queue.streams.every(({ votes }, i) => i === 0 || votes <= (queue.streams[i - 1] as { votes: number }).votes);

test(`none of ${READS.toLocaleString("en")} reads is stale: queues, projects, own votes`, async () => {
  const ledger = new Ledger();
  const stale: string[] = [];
  let reads = 0;
  let voting = true;

  const checkCounts = (what: string, before: Map<string, Shown>, shown: ReadonlyMap<string, Shown>) => {
    for (const [id, floor] of before) {
      const found = shown.get(id);
      if (found === undefined || found.version < floor.version)
        stale.push(`${what} ${id}: ${JSON.stringify({ floor, found })}`);
      else if (
        found.version === floor.version &&
        (found.upvotes !== floor.upvotes || found.downvotes !== floor.downvotes)
      ) {
        stale.push(`${what} ${id}, another count at the same version: ${JSON.stringify({ floor, found })}`);
      }
    }
  };
  const readQueue = async (n: number, user: string, token: string) => {
    const before = new Map(ledger.counts);
    const ownBefore = new Map(ledger.own);
    const { boardVersion } = ledger;
    const queue = (await read(`${api(n).url}/api/streams?jamId=fresh`, token)) as JamQueue;
    checkCounts("queue", before, new Map(queue.streams.map((stream) => [stream.id, stream])));
    if (!inOrder(queue)) stale.push(`out of order: ${JSON.stringify(queue)}`);
    if (queue.version < boardVersion) stale.push(`board went back: ${boardVersion} to ${queue.version}`);
    ledger.boardVersion = Math.max(ledger.boardVersion, queue.version);
    for (const { id, userVote } of queue.streams) {
      const own = ownBefore.get(`${user} ${id}`) ?? null;
      const untouched = own !== null && ledger.own.get(`${user} ${id}`) === own;
      if (untouched && (userVote ?? "none") !== own.wish) stale.push(`own vote on ${id}: ${userVote}, not ${own.wish}`);
    }
  };
  const readProjects = async (n: number, token: string) => {
    const before = new Map(ledger.counts);
    const { projects } = (await read(`${api(n).url}/api/projects?ids=${streams}`, token)) as {
      projects: (Shown & { id: string })[];
    };
    checkCounts("projects", before, new Map(projects.map((project) => [project.id, project])));
  };
  const users = await Promise.all(
    Array.from({ length: VOTERS }, async (_, i) => ({ user: `voter ${i}`, token: await testToken(`voter ${i}`) })),
  );
  const voters = users.map(async ({ user, token }, i) => {
    for (let n = i; voting; n++) await ledger.vote(n, user, token);
  });
  const readers = Array.from({ length: READERS }, async (_, i) => {
    const { user, token } = users[i % users.length] as (typeof users)[number];
    for (let n = i; reads < READS; n++) {
      reads++;
      if (n % 3 === 0) await readProjects(n, token);
      else await readQueue(n, user, token);
    }
  });
  await Promise.all(readers).finally(() => {
    voting = false;
  });
  await Promise.all(voters);
  expect(stale.slice(0, 10)).toEqual([]);
  expect({ reads: reads >= READS, votes: ledger.votes > 100 }).toEqual({ reads: true, votes: true });
  await installation.drained();
  const rows = await waitFor("rows", () =>
    installation.query<{ id: string; upvotes: number }>(
      "SELECT id, upvotes::int FROM projects WHERE board_id = 'fresh' ORDER BY upvotes - downvotes DESC, created_at",
    ),
  );
  const queue = (await read(`${api(0).url}/api/streams?jamId=fresh`, users[0]?.token ?? "")) as JamQueue;
  expect(queue.streams.map(({ id, upvotes }) => ({ id, upvotes }))).toEqual(rows);
}, 480_000);
