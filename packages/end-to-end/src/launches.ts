/** Launch days on an installation of a test's own. */
import { type ServiceProcess, testMongoUrl, testToken, uniqueName, waitFor } from "@votesync/testkit";
import mongoose from "mongoose";
import { getJson, type Installation, postJson } from "./installation.js";

/** A database of one test's own on the shared server. */
export class TestMongo {
  private constructor(
    readonly url: string,
    private readonly connection: mongoose.Connection,
  ) {}

  static async create(): Promise<TestMongo> {
    const address = new URL(testMongoUrl());
    address.pathname = `/${uniqueName("launches")}`;
    const connection = await mongoose.createConnection(address.href).asPromise();
    return new TestMongo(address.href, connection);
  }

  collection<T extends object = Record<string, unknown>>(name: string) {
    return this.connection.collection<T & { _id: string }>(name);
  }

  async remove(): Promise<void> {
    await this.connection.dropDatabase();
    await this.connection.close();
  }
}

export const adminToken = () => testToken("root", { role: "admin" });

export interface Launch {
  appId: string;
  launchDate: string;
  opensAt: Date;
  closesAt: Date;
}

/** @returns it as it was answered */
export async function register(api: ServiceProcess, launch: Launch): Promise<Launch> {
  const answer = await postJson(`${api.url}/api/launch/apps`, await adminToken(), { ...launch, name: launch.appId });
  if (answer.status !== 201) throw new Error(`registering ${launch.appId}: ${JSON.stringify(answer.body)}`);
  const { opensAt, closesAt } = answer.body as unknown as { opensAt: string; closesAt: string };
  return { ...launch, opensAt: new Date(opensAt), closesAt: new Date(closesAt) };
}

/** It answers within 30 s, and a finalizer may have to start before. */
const FINALIZE_DEADLINE_MS = 50_000;

/** Asks for the end of a day, as an admin. */
export async function finalize(api: ServiceProcess, date: string): Promise<{ status: number; body: unknown }> {
  return postJson(`${api.url}/api/launch/finalize`, await adminToken(), { date }, {}, FINALIZE_DEADLINE_MS);
}

export interface DayView {
  date: string;
  status: "open" | "closing" | "final";
  seal: string | null;
  apps: { appId: string; name: string; votes: number; rank: number; votingFlushed: boolean }[];
}

export async function readDay(api: ServiceProcess, date: string): Promise<DayView> {
  return (await getJson(`${api.url}/api/launch?date=${date}`)).body as unknown as DayView;
}

export const votesOf = (day: DayView) => Object.fromEntries(day.apps.map(({ appId, votes }) => [appId, votes]));

export async function untilFinal(api: ServiceProcess, date: string): Promise<DayView> {
  return waitFor(
    `${date} to be final and flushed`,
    async () => {
      const day = await readDay(api, date);
      return day.status === "final" && day.apps.every(({ votingFlushed }) => votingFlushed) && day;
    },
    // A finalizer may have to start first.
    90_000,
  );
}

export interface VoteHealth {
  status: "healthy" | "issues_detected" | "error";
  health: { finalizedApps: number; unflushedApps: number; backupRecords: number; issues: string[] };
}

export async function readHealth(api: ServiceProcess, date: string): Promise<VoteHealth> {
  const { body } = await getJson(`${api.url}/api/launch/vote-health?date=${date}`, await adminToken());
  return body as unknown as VoteHealth;
}

/**
 * The result of a launch by nothing but the accept times of its votes: of each user the last vote between the two instants.
 * What the period column says is not asked.
 */
const COUNT_BY_TIME = `
  SELECT count(*) FILTER (WHERE vote_type = 'up')::int AS votes
    FROM (SELECT DISTINCT ON (user_id) vote_type FROM vote_events
           WHERE project_id = $1 AND accepted_at >= $2 AND accepted_at < $3
           ORDER BY user_id, version DESC) newest`;

export async function votesByTime(installation: Installation, { appId, opensAt, closesAt }: Launch): Promise<number> {
  const [row] = await installation.query<{ votes: number }>(COUNT_BY_TIME, [appId, opensAt, closesAt]);
  return row?.votes ?? 0;
}

/** Events on the wrong side of an instant: none, ever. */
export async function misplacedEvents(installation: Installation, launch: Launch, period: number): Promise<number> {
  const [row] = await installation.query<{ misplaced: number }>(
    `SELECT count(*)::int AS misplaced FROM vote_events
      WHERE project_id = $1 AND (period = $4) <> (accepted_at >= $2 AND accepted_at < $3)`,
    [launch.appId, launch.opensAt, launch.closesAt, period],
  );
  return row?.misplaced ?? 0;
}
