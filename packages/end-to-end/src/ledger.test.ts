/**
 * The first promise, on real processes: every answered vote counts once, whatever is repeated and whoever is killed.
 * Each client writes down what it was answered; at the end the ledger, the events, the rows and the counters must agree.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { type AnswerBody, getJson, Installation, type JsonAnswer, postJson, untilTaken } from "./installation.js";
import { settled } from "./vote-load.js";

const VOTES = 20_000;
const CLIENTS = 40;
const USERS_PER_CLIENT = 10;
const PROJECTS = Array.from({ length: 25 }, (_, i) => `ledger:${i}`);
const WISHES = ["up", "down", "none"] as const;
const KILLS = 5;

type Wish = (typeof WISHES)[number];

type VoteData = AnswerBody["data"];

/** What the clients were told. */
class Ledger {
  readonly changes = new Map<string, VoteData>();
  /** `<user> <project>` → the state last answered. */
  readonly states = new Map<string, Wish>();
  /**
   * Requests with an answer of PostgreSQL, which took them past a Redis that was too slow: each is an event, also where nothing
   * changed, and where Redis had taken it after all, its own answer may have come to the other of two clicks.
   */
  readonly degraded = new Set<string>();
  /** Two clicks at once under one key of which one came past Redis: the stores may have taken one each, for one wish. */
  parted = 0;
  answers = 0;
  replays = 0;
  /** Answered 503: sent again, but they may have come to something all the same. */
  refused = 0;
  private readonly waiting = new Map<number, () => void>();

  /** Resolves with the so-many-th answer. */
  answered(count: number): Promise<void> {
    if (this.answers >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.set(count, resolve));
  }

  /** @param answers to one request */
  write(user: string, wish: Wish, answers: JsonAnswer[]): void {
    this.answers++;
    this.replays += answers.length - 1;
    this.waiting.get(this.answers)?.();
    const isDegraded = answers.some(({ body }) => body.data.degraded === true);
    if (isDegraded && answers.length > 1) this.parted++;
    for (const { data } of answers.map(({ body }) => body)) {
      if (data.action !== "unchanged") this.changes.set(data.request_id, data);
      if (isDegraded) this.degraded.add(data.request_id);
      this.states.set(`${user} ${data.id}`, wish);
    }
  }
}

let installation: Installation;
let apis: ServiceProcess[];
let workers: ServiceProcess[];

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  apis = [await installation.start("vote-api"), await installation.start("vote-api")];
  workers = [await installation.start("vote-worker"), await installation.start("vote-worker")];
  await installation.createProjects(apis[0] as ServiceProcess, PROJECTS);
});
afterAll(() => installation.remove());

/** A small seeded generator, so that a failing run can be told from its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test(`${VOTES} votes with repeats over two APIs, workers killed meanwhile: ledger, events, rows and counters agree`, async () => {
  const seed = Date.now() % 1_000_000;
  const ledger = new Ledger();
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(ledger, i, random(seed + i)));
  await Promise.all([Promise.all(clients), killWorkers(ledger)]);
  await settled(installation);
  console.info(`seed ${seed}: ${ledger.refused} answered 503, ${ledger.degraded.size} past Redis`);

  expect({ seed, answers: ledger.answers, replays: ledger.replays > VOTES / 10 }).toEqual({
    seed,
    answers: VOTES,
    replays: true,
  });
  await expectOneEventPerAnsweredChange(ledger);
  await expectRowsAsLastAnswered(ledger);
  await expectSameCountersEverywhere();
  await expectNothingPending(ledger);
}, 360_000);

/** Owns its users, so what it was answered last is what must stand; it repeats a third of its requests. */
async function client(ledger: Ledger, number: number, below: (n: number) => number): Promise<void> {
  const users = Array.from({ length: USERS_PER_CLIENT }, (_, i) => `user ${number}/${i}`);
  const tokens = await Promise.all(users.map((user) => testToken(user)));
  for (let i = 0; i < VOTES / CLIENTS; i++) {
    const at = below(users.length);
    const wish = WISHES[below(WISHES.length)] as Wish;
    const vote = { project_id: PROJECTS[below(PROJECTS.length)], vote_type: wish };
    let refused = 0;
    const send = (key: string) =>
      untilTaken(async () => {
        const url = `${apis[below(2)]?.url}/api/votes`;
        const answer = await postJson(url, tokens[at] as string, vote, { "idempotency-key": key });
        if (answer.status === 503) refused++;
        return answer;
      });
    const key = `${number}-${i}`;
    const repeats = below(6);
    // 0: a double click, both at once and perhaps to both replicas; 1: a retry after the answer.
    const answers = repeats === 0 ? await Promise.all([send(key), send(key)]) : [await send(key)];
    if (repeats === 1) answers.push(await send(key));
    expectOneAnswer(answers, refused);
    ledger.refused += refused;
    ledger.write(users[at] as string, wish, answers);
  }
}

function expectOneAnswer(answers: JsonAnswer[], refused: number): void {
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  // A Redis too slow to be asked cannot say that it has taken the other one.
  if (answers.some(({ body }) => body.data.degraded === true)) return;
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  const firsts = answers.filter(({ headers }) => headers.get("idempotency-replayed") === null).length;
  // What was answered 503 may have counted, and then even the first answer is a replay.
  expect(firsts === 1 || (firsts === 0 && refused > 0)).toBe(true);
}

/** Kills the workers in turn, evenly over the run. */
async function killWorkers(ledger: Ledger): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await ledger.answered(Math.round(((kill + 1) * VOTES) / (KILLS + 2)));
    const worker = workers[kill % workers.length] as ServiceProcess;
    await worker.kill9();
    await worker.restart();
  }
}

async function expectOneEventPerAnsweredChange(ledger: Ledger): Promise<void> {
  const events = await installation.query<{ request_id: string; action: string; version: string }>(
    "SELECT request_id, action, version FROM vote_events",
  );
  const asTold = ({ request_id: id, action, version }: { request_id: string; action: string; version: unknown }) =>
    ledger.degraded.has(id) ? id : `${id} ${action} ${version}`;
  const applied = events.filter(({ request_id }) => ledger.changes.has(request_id)).map(asTold);
  expect(applied.sort()).toEqual([...ledger.changes.values()].map(asTold).sort());
  // A wish that changed nothing is an event too.
  const changes = events.filter(({ action }) => action !== "unchanged");
  const others = changes.filter(({ request_id: id }) => !ledger.changes.has(id) && !ledger.degraded.has(id));
  expect(others.length).toBeLessThanOrEqual(ledger.refused + ledger.parted);
}

async function expectRowsAsLastAnswered(ledger: Ledger): Promise<void> {
  const rows = await installation.query<{ user_id: string; project_id: string; vote_type: Wish }>(
    "SELECT user_id, project_id, vote_type FROM votes WHERE vote_type <> 'none'",
  );
  const stored = rows.map((row) => `${row.user_id} ${row.project_id} ${row.vote_type}`).sort();
  const answered = [...ledger.states].filter(([, wish]) => wish !== "none").map(([who, wish]) => `${who} ${wish}`);
  expect(stored).toEqual(answered.sort());
}

async function expectSameCountersEverywhere(): Promise<void> {
  const projects = await installation.query(
    "SELECT id, upvotes::int, downvotes::int, version::text FROM projects ORDER BY id",
  );
  const counted = await installation.query(
    `SELECT p.id, count(*) FILTER (WHERE vote_type = 'up')::int AS upvotes,
            count(*) FILTER (WHERE vote_type = 'down')::int AS downvotes, max(p.version)::text AS version
       FROM projects p LEFT JOIN votes v ON v.project_id = p.id GROUP BY p.id ORDER BY p.id`,
  );
  const live = await Promise.all(
    projects.map(async ({ id }) => {
      const { upvotes, downvotes, version } = await installation.redis.hgetall(installation.names.project(id));
      return { id, upvotes: Number(upvotes), downvotes: Number(downvotes), version };
    }),
  );
  expect(projects).toEqual(counted);
  expect(projects).toEqual(live);
}

async function expectNothingPending(ledger: Ledger): Promise<void> {
  expect(await installation.query("SELECT * FROM dead_letters")).toEqual([]);
  const admin = await testToken("root", { role: "admin" });
  for (const requestId of [...ledger.changes.keys()].slice(0, 20)) {
    const { body } = await getJson(`${apis[1]?.url}/api/votes/status/${requestId}`, admin);
    expect(body.data).toMatchObject({ request_id: requestId, state: "persisted" });
  }
}
