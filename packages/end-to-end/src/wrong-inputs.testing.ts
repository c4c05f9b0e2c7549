/**
 * One vote-api under wrong inputs, and what must hold after each of them: a problem document that tells nothing it
 * should not, a living process, no trace in either store, and a next vote that counts.
 */
import { expect } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { Installation } from "./installation.js";
import { encodeRequest, exchange, type RawAnswer, type RawRequest } from "./raw-http.js";

/** Put into wrong inputs where their form allows it; no answer may hold it. */
export const MARK = "echo-of-the-input";
export const PROJECT = "wrong:project";

export interface Expected {
  status: number;
  title?: string;
  /** The `path` of each of `errors`; none without it, unless `anyErrors`. */
  errorsAt?: string[];
  headers?: Record<string, string | RegExp>;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  request_id: string;
  errors?: { path: string; message: string }[];
}

const STACK_TRACE = /node_modules|\bat .*:\d+:\d+|\.[jt]s:\d+|Error:|dist\//;

export class WrongInputTarget {
  private voters = 0;

  private constructor(
    readonly installation: Installation,
    readonly api: ServiceProcess,
    /** An ordinary user's. */
    readonly token: string,
  ) {}

  static async start(env: NodeJS.ProcessEnv = {}): Promise<WrongInputTarget> {
    const installation = await Installation.create({ AUTH_GUEST: "true", ...env });
    const api = await installation.start("vote-api");
    await installation.createProjects(api, [PROJECT]);
    const target = new WrongInputTarget(installation, api, await testToken("a user"));
    await target.goodVoteCounts();
    return target;
  }

  remove(): Promise<void> {
    return this.installation.remove();
  }

  async send(request: RawRequest): Promise<RawAnswer> {
    const answer = await exchange(this.api.port, encodeRequest(request));
    if (answer === null) throw new Error("closed without an answer");
    return answer;
  }

  sendBytes(bytes: Buffer | string, options: { deadlineMs?: number; hangUp?: boolean } = {}) {
    return exchange(this.api.port, bytes, options);
  }

  /** The request with the token of an ordinary user. */
  asUser(request: RawRequest): RawRequest {
    return { ...request, headers: { Authorization: `Bearer ${this.token}`, ...request.headers } };
  }

  /** By somebody whom no limit holds back yet. */
  async sendAsNewVoter(request: RawRequest): Promise<RawAnswer> {
    const token = await testToken(`voter ${++this.voters}`);
    return this.send({ ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } });
  }

  /** A vote with this body, on the short way unless other headers lead it elsewhere. */
  vote(body: string | Buffer, headers: RawRequest["headers"] = {}, framing: RawRequest["framing"] = "length") {
    const path = "/api/votes";
    return this.asUser({
      method: "POST",
      path,
      headers: { "Content-Type": "application/json", ...headers },
      body,
      framing,
    });
  }

  async refuses(request: RawRequest, expected: Expected): Promise<Problem> {
    return this.unharmed(async () => expectProblem(request, await this.send(request), expected));
  }

  /** Runs `attempt`; afterwards nothing must have come of it, and everything must go on as before. */
  async unharmed<T>(attempt: () => Promise<T>): Promise<T> {
    const before = await this.traces();
    const result = await attempt();
    const after = await this.traces();
    expect(after.keys.filter((key) => !before.keys.includes(key))).toEqual([]);
    expect({ ...after, keys: [] }).toEqual({ ...before, keys: [] });
    const ready = await this.send({ path: "/readyz" });
    expect(ready.status).toBe(200);
    await this.goodVoteCounts();
    return result;
  }

  /** Everything votes and projects leave behind. Keys may also run out meanwhile, so only new ones mean something. */
  private async traces() {
    const { redis, names } = this.installation;
    const [counts] = await this.installation.query(
      `SELECT (SELECT count(*) FROM projects) AS projects, (SELECT count(*) FROM votes) AS votes,
              (SELECT count(*) FROM vote_events) AS events`,
    );
    return {
      // Figures are of all requests, wrong ones too.
      keys: (await redis.keys("*")).filter((key) => key !== names.voteFigures()),
      project: await redis.hgetall(names.project(PROJECT)),
      streamed: await Promise.all(names.allShards().map((shard) => redis.xlen(names.events(shard)))),
      counts,
    };
  }

  private async goodVoteCounts(): Promise<void> {
    const key = this.installation.names.project(PROJECT);
    const upvotes = Number((await this.installation.redis.hget(key, "upvotes")) ?? 0);
    const answer = await this.sendAsNewVoter(this.vote(JSON.stringify({ project_id: PROJECT, vote_type: "up" })));
    expect({ status: answer.status, data: JSON.parse(answer.text).data }).toMatchObject({
      status: 200,
      data: { action: "created", upvotes: upvotes + 1 },
    });
  }
}

/** @returns the problem, without what differs between two equal answers */
export function expectProblem({ path }: RawRequest, answer: RawAnswer, expected: Expected): Problem {
  const { headers, text } = answer;
  expect({ status: answer.status, text }).toMatchObject({ status: expected.status });
  expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(text).not.toMatch(STACK_TRACE);
  const found = JSON.parse(text) as Problem;
  expect(found).toMatchObject({
    type: expect.stringMatching(/^[a-z]/),
    title: expected.title ?? expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
    status: expected.status,
    detail: expect.stringMatching(/^[A-Z].{3,200}\.$/),
    instance: path.split("?", 1)[0],
    request_id: headers.get("x-request-id"),
  });
  expect(JSON.stringify({ ...found, instance: "" })).not.toContain(MARK);
  expect(found.errors?.map((error) => error.path).sort()).toEqual(expected.errorsAt?.toSorted());
  for (const { message } of found.errors ?? []) expect(message).toMatch(/^.{3,200}$/);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expect(`${name}: ${headers.get(name.toLowerCase())}`).toMatch(value);
  }
  return { ...found, request_id: "" };
}
