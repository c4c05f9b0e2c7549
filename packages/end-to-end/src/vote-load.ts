/**
 * Voters who go on whatever happens, and write down what they are told. At the end everything that was answered must be
 * found once, in every store.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import type { AnswerBody, Installation } from "./installation.js";
import { KeptConnections, type PostedAnswer } from "./kept-connections.js";

const WISHES = ["up", "down", "none"] as const;
type Wish = (typeof WISHES)[number];
const CLIENTS = 16;
const USERS_PER_CLIENT = 8;
/** A voter who is told to come back comes back, but not at once. */
const TRY_AGAIN_MS = 50;

/** What may stand of a user on a project: what was answered last, and what was wished since without an answer. */
interface Standing {
  answered: Wish;
  unanswered: Set<Wish>;
}

export interface LoadOptions {
  /** Launches take no `down`. */
  wishes?: readonly Wish[];
  /** Each sends its next vote when the last was answered. */
  clients?: number;
}

export class VoteLoad {
  /** Answered votes that changed something, by request id. */
  readonly changes = new Map<string, AnswerBody["data"]>();
  readonly standings = new Map<string, Standing>();
  answers = 0;
  degraded = 0;
  unavailable = 0;
  slowestUnavailableMs = 0;
  private running = false;
  private clients: Promise<void>[] = [];
  private readonly wishes: readonly Wish[];
  private readonly clientCount: number;

  constructor(
    private readonly apis: readonly ServiceProcess[],
    private readonly projects: readonly string[],
    { wishes = WISHES, clients = CLIENTS }: LoadOptions = {},
  ) {
    this.wishes = wishes;
    this.clientCount = clients;
  }

  start(): this {
    this.running = true;
    this.clients = Array.from({ length: this.clientCount }, (_, i) => this.vote(i));
    return this;
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.clients);
  }

  /** Resolves once so many more votes were answered. */
  async more(count: number): Promise<void> {
    const goal = this.answers + count;
    await waitFor(`${count} more answers`, () => this.answers >= goal, 60_000);
  }

  /** @returns what tells how many votes a second were answered since this call */
  measureRate(): () => number {
    const [answers, startedAtMs] = [this.answers, performance.now()];
    return () => ((this.answers - answers) * 1_000) / (performance.now() - startedAtMs);
  }

  async moreDegraded(count: number): Promise<void> {
    const goal = this.degraded + count;
    await waitFor(`${count} more degraded answers`, () => this.degraded >= goal, 60_000);
  }

  private async vote(client: number): Promise<void> {
    const users = Array.from({ length: USERS_PER_CLIENT }, (_, i) => `voter ${client}/${i}`);
    const tokens = await Promise.all(users.map((user) => testToken(user)));
    const connections = new KeptConnections();
    for (let i = 0; this.running; i++) {
      const at = i % users.length;
      const project = this.projects[(i * 7 + client) % this.projects.length] as string;
      const wish = this.wishes[Math.floor(Math.random() * this.wishes.length)] as Wish;
      const api = this.apis[Math.floor(Math.random() * this.apis.length)] as ServiceProcess;
      const vote = { project_id: project, vote_type: wish };
      // A replica that is killed answers nothing, which is no answer either.
      const post = () => connections.post(api.port, "/api/votes", tokens[at] as string, vote).catch(() => null);
      await this.voteOnce(`${users[at]} ${project}`, wish, post);
    }
    connections.close();
  }

  private async voteOnce(who: string, wish: Wish, post: () => Promise<PostedAnswer | null>): Promise<void> {
    const standing = this.standings.get(who) ?? { answered: "none", unanswered: new Set() };
    this.standings.set(who, standing);
    const sentAtMs = performance.now();
    const answer = await post();
    if (answer?.status === 200) return this.write(standing, wish, answer);
    standing.unanswered.add(wish);
    if (answer !== null) {
      expect({ status: answer.status, title: answer.body.title }).toEqual({
        status: 503,
        title: "Service Unavailable",
      });
      this.unavailable++;
      this.slowestUnavailableMs = Math.max(this.slowestUnavailableMs, performance.now() - sentAtMs);
    }
    await delay(TRY_AGAIN_MS);
  }

  private write(standing: Standing, wish: Wish, { body }: PostedAnswer): void {
    standing.answered = wish;
    standing.unanswered.clear();
    this.answers++;
    if (body.data.degraded) this.degraded++;
    if (body.data.action !== "unchanged") this.changes.set(body.data.request_id, body.data);
  }
}

/** Waits until nothing is under way: every event applied, every vote of the fallback known to Redis, every held project loaded. */
export async function settled(installation: Installation): Promise<void> {
  await installation.drained();
  await waitFor("recovery", async () => (await installation.query(UNRECOVERED)).length === 0, 60_000);
  await waitFor("held projects to be loaded", async () => !(await isAnyHeld(installation)), 60_000);
  await installation.drained();
}

async function isAnyHeld({ redis, names, postgres }: Installation): Promise<boolean> {
  const { rows } = await postgres.query<{ id: string }>("SELECT id FROM projects");
  const holds = await Promise.all(rows.map(({ id }) => redis.hexists(names.project(id), "held")));
  return holds.includes(1);
}

/** `pending_reloads` holds projects that Redis must read again, because PostgreSQL decided otherwise than Redis had. */
const UNRECOVERED = "SELECT FROM outbox WHERE recovered_at IS NULL UNION ALL SELECT FROM pending_reloads LIMIT 1";

/** The promises: each answered change is an event once, rows are as last answered, and all counters are the rows'. */
export async function expectOneTruth(installation: Installation, load: VoteLoad): Promise<void> {
  await settled(installation);
  await expectEveryAnswerKept(installation, load);
  await expectSameCounters(installation);
  await expectVerified(installation);
}

/** What an operator would be told. */
export async function expectVerified(installation: Installation): Promise<void> {
  const verified = await votesync(installation, "votes", "verify", "--json");
  expect({ code: verified.code, report: JSON.parse(verified.stdout) }).toMatchObject({ code: 0, report: { ok: true } });
}

export async function expectEveryAnswerKept(installation: Installation, load: VoteLoad): Promise<void> {
  await expectEveryChangeKept(installation, load);
  expect(await wrongRows(installation, load)).toEqual([]);
}

/** Each change that was answered is an event, once. */
export async function expectEveryChangeKept(installation: Installation, load: VoteLoad): Promise<void> {
  const events = await installation.query<{ request_id: string }>("SELECT request_id FROM vote_events");
  const ids = events.map(({ request_id }) => request_id);
  expect(ids.length - new Set(ids).size).toBe(0);
  const known = new Set(ids);
  expect([...load.changes.keys()].filter((id) => !known.has(id))).toEqual([]);
}

/** Rows that are neither what was answered last nor a wish that was not answered. */
export async function wrongRows(installation: Installation, load: VoteLoad): Promise<string[]> {
  const rows = await installation.query<{ who: string; vote_type: Wish }>(
    "SELECT user_id || ' ' || project_id AS who, vote_type FROM votes",
  );
  const stored = new Map(rows.map(({ who, vote_type }) => [who, vote_type]));
  return [...load.standings].flatMap(([who, { answered, unanswered }]) => {
    const found = stored.get(who) ?? "none";
    if (found === answered || unanswered.has(found)) return [];
    return [`${who}: ${found}, answered ${answered}, unanswered ${[...unanswered].join("/")}`];
  });
}

const COUNTERS = `
  SELECT p.id, p.upvotes::int AS up, p.downvotes::int AS down, r.up AS rows_up, r.down AS rows_down,
         e.up AS events_up, e.down AS events_down
    FROM projects p
    LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE vote_type = 'up')::int AS up,
                              count(*) FILTER (WHERE vote_type = 'down')::int AS down
                         FROM votes WHERE project_id = p.id AND period = p.period) r ON true
    LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE vote_type = 'up')::int AS up,
                              count(*) FILTER (WHERE vote_type = 'down')::int AS down
                         FROM (SELECT DISTINCT ON (user_id) vote_type FROM vote_events
                                WHERE project_id = p.id AND period = p.period
                                ORDER BY user_id, version DESC) newest) e ON true
   ORDER BY p.id`;

interface Counters {
  id: string;
  [of: string]: number | string | null;
}

export async function expectSameCounters(installation: Installation): Promise<void> {
  const { redis, names } = installation;
  const projects = await installation.query<Counters>(COUNTERS);
  const found = await Promise.all(
    projects.map(async (project) => {
      const [up, down, held] = await redis.hmget(names.project(project.id), "upvotes", "downvotes", "held");
      const inRedis = up === null ? "not loaded" : held === null ? `${up} ${down}` : `held ${up} ${down}`;
      return `${project.id}: rows ${project.rows_up} ${project.rows_down}, projects ${project.up} ${project.down}, events ${project.events_up} ${project.events_down}, redis ${inRedis}`;
    }),
  );
  const wanted = projects.map(({ id, rows_up: up, rows_down: down }, i) => {
    const inRedis = found[i]?.endsWith("not loaded") ? "not loaded" : `${up} ${down}`;
    return `${id}: rows ${up} ${down}, projects ${up} ${down}, events ${up} ${down}, redis ${inRedis}`;
  });
  expect(found).toEqual(wanted);
}
