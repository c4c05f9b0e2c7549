/**
 * A votesync installation of one test's own: real processes, a database and a Redis that may be killed.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { RedisNames } from "@votesync/core";
import {
  type AppName,
  createTestDatabase,
  OwnRedis,
  ServiceProcess,
  TEST_SECRET,
  type TestDatabase,
  testToken,
  waitFor,
} from "@votesync/testkit";
import { Redis } from "ioredis";
import pg from "pg";

export class Installation {
  private readonly processes: ServiceProcess[] = [];

  private constructor(
    readonly redisServer: OwnRedis,
    readonly database: TestDatabase,
    readonly redis: Redis,
    readonly postgres: pg.Pool,
    readonly names: RedisNames,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /**
   * @param env added to every service's environment
   * @param ownDatabase a migrated one to use instead of a fresh clone on the shared server
   * @param ownRedis one to use instead of a fresh one; `env.REDIS_URL` may name a link to it
   */
  static async create(
    env: NodeJS.ProcessEnv = {},
    ownDatabase?: TestDatabase,
    ownRedis?: OwnRedis,
  ): Promise<Installation> {
    const redisServer = ownRedis ?? (await OwnRedis.start());
    const redisUrl = env.REDIS_URL ?? redisServer.url;
    const database = ownDatabase ?? (await createTestDatabase());
    const redis = new Redis(redisUrl, { commandTimeout: 5_000 });
    // The tests kill this Redis; its client reconnects by itself.
    redis.on("error", () => undefined);
    const postgres = new pg.Pool({ connectionString: database.url, query_timeout: 20_000 });
    postgres.on("error", () => undefined);
    return new Installation(redisServer, database, redis, postgres, new RedisNames(), {
      REDIS_URL: redisUrl,
      DATABASE_URL: database.url,
      AUTH_JWT_SECRET: TEST_SECRET,
      LOG_LEVEL: "warn",
      // One test sends what a whole office would not.
      HTTP_RATE_MAX: "0",
      HTTP_USER_RATE_MAX: "0",
      ...env,
    });
  }

  async start(app: AppName, env: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
    const process = await ServiceProcess.start(app, { ...this.env, ...env });
    this.processes.push(process);
    return process;
  }

  /** Starts a service that must not run. @returns its exit code, and what it logged */
  refused(app: AppName, env: NodeJS.ProcessEnv): Promise<{ code: number | null; log: string }> {
    return ServiceProcess.refused(app, { ...this.env, ...env });
  }

  /** What a command needs to find the stores. */
  get addresses(): { REDIS_URL: string; DATABASE_URL: string } {
    return { REDIS_URL: this.env.REDIS_URL ?? this.redisServer.url, DATABASE_URL: this.database.url };
  }

  async createProjects(api: ServiceProcess, ids: readonly string[]): Promise<void> {
    const token = await testToken("owner");
    for (const id of ids) {
      const answer = await postJson(`${api.url}/api/projects`, token, { id, title: `Project ${id}` });
      if (answer.status !== 201) throw new Error(`creating ${id}: ${answer.status}`);
    }
  }

  /** Waits until every event in every stream has been applied. */
  async drained(): Promise<void> {
    await waitFor("every event to be applied", async () => (await this.waitingEvents()) === 0, 60_000);
  }

  /** Stream entries whose rows are not committed yet, over all shards. */
  async waitingEvents(): Promise<number> {
    const { rows } = await this.postgres.query<{ shard: number; last_id: string }>("SELECT * FROM shard_progress");
    const waiting = await Promise.all(
      rows.map(({ shard, last_id }) => this.redis.xrange(this.names.events(shard), `(${last_id}`, "+", "COUNT", 1)),
    );
    return waiting.reduce((sum, entries) => sum + entries.length, 0);
  }

  async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.postgres.query<T>(sql, values)).rows;
  }

  async remove(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill9()));
    this.redis.disconnect();
    await this.postgres.end();
    await this.redisServer.remove();
    await this.database.drop();
  }
}

/** Every field any answer has; which of them this one has is what the tests are about. */
export interface AnswerBody {
  status: number | string;
  title: string;
  upvotes: number;
  downvotes: number;
  state: string;
  projects: { upvotes: number; version: number }[];
  data: {
    id: string;
    upvotes: number;
    version: number;
    user_vote: "up" | "down" | null;
    request_id: string;
    action: string;
    state: string;
    degraded?: boolean;
    token: string;
  };
}

export interface JsonAnswer {
  status: number;
  headers: Headers;
  body: AnswerBody;
}

/** Only tells an answer from none. */
const ANSWER_DEADLINE_MS = 30_000;

export async function postJson(
  url: string,
  token: string,
  body: object,
  headers: Record<string, string> = {},
  deadlineMs = ANSWER_DEADLINE_MS,
): Promise<JsonAnswer> {
  return readJson(
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    }),
  );
}

const TAKEN_WITHIN_MS = 30_000;
/** A voter who is told to come back comes back, but not at once. */
const TRY_AGAIN_MS = 100;

/**
 * Sends again what was answered 503: both stores were too slow for a busy machine, and asking again is safe.
 * @returns the first other answer, or the last 503
 */
export async function untilTaken<T extends { status: number }>(send: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + TAKEN_WITHIN_MS;
  for (;;) {
    const answer = await send();
    if (answer.status !== 503 || performance.now() >= giveUpAtMs) return answer;
    await delay(TRY_AGAIN_MS);
  }
}

/** A vote as clients send it: repeated on a 503 under the same Idempotency-Key, so it counts once. */
export function postVote(
  api: ServiceProcess,
  token: string,
  vote: { project_id: string; vote_type: string },
): Promise<JsonAnswer> {
  const key = { "idempotency-key": randomUUID() };
  return untilTaken(() => postJson(`${api.url}/api/votes`, token, vote, key));
}

export async function getJson(url: string, token?: string): Promise<JsonAnswer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return readJson(await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) }));
}

async function readJson(response: Response): Promise<JsonAnswer> {
  return { status: response.status, headers: response.headers, body: (await response.json()) as AnswerBody };
}
