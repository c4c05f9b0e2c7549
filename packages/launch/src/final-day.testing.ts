/** The stores of launch days for one test, and days that became final in them, with rows for every vote that was counted. */
import { RedisNames } from "@votesync/core";
import { connectMongo, LaunchArchive, launchKey, type MongoConnection } from "@votesync/mongo-store";
import { connectPostgres, ensureShards, type PostgresConnection, registerLaunch } from "@votesync/postgres-store";
import { connectRedis, type RedisConnection } from "@votesync/redis-store";
import {
  createTestDatabase,
  type TestDatabase,
  testMongoUrl,
  testRedisUrl,
  uniqueName,
  waitFor,
} from "@votesync/testkit";
import { finalizeDay } from "./finalize-day.js";
import { flushDay } from "./flush-day.js";
import type { LaunchStores } from "./launch-stores.js";
import type { VoteSource } from "./vote-source.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const DAY_MS = 86_400_000;
const FIRST_DAY_MS = Date.UTC(2024, 0, 1);

export type Collection = "launch_apps" | "vote_backups" | "launch_finalizations";

export class TestLaunchStores implements LaunchStores {
  readonly names = new RedisNames(8, uniqueName("launch"));
  readonly archive: LaunchArchive;
  private dates = 0;

  private constructor(
    private readonly database: TestDatabase,
    private readonly postgres: PostgresConnection,
    private readonly connection: RedisConnection,
    private readonly mongo: MongoConnection,
    readonly mongoUrl: string,
  ) {
    this.archive = new LaunchArchive(mongo.connection);
  }

  static async create(): Promise<TestLaunchStores> {
    const database = await createTestDatabase();
    const postgres = connectPostgres({ url: database.url, name: "launch-test", log: SILENT });
    const redis = connectRedis({ url: testRedisUrl(), name: "launch-test", log: SILENT });
    const address = new URL(testMongoUrl());
    address.pathname = `/${uniqueName("launch")}`;
    const mongo = connectMongo({ url: address.href, log: SILENT });
    await waitFor("the stores", async () => redis.client.status === "ready" && mongo.ping());
    const stores = new TestLaunchStores(database, postgres, redis, mongo, address.href);
    await ensureShards(postgres.pool, stores.names.shards);
    await stores.archive.ensureIndexes();
    return stores;
  }

  get redis() {
    return this.connection.client;
  }

  get pool() {
    return this.postgres.pool;
  }

  get databaseUrl() {
    return this.database.url;
  }

  async remove(): Promise<void> {
    await this.mongo.connection.dropDatabase();
    await this.mongo.close();
    await this.connection.close();
    await this.postgres.close();
    await this.database.drop();
  }

  /** What is stored, to be looked at and to be tampered with. */
  collection(name: Collection) {
    return this.mongo.connection.collection<{ _id: string; [field: string]: unknown }>(name);
  }

  /** A date that no other test of this installation has. */
  nextDate = () => new Date(FIRST_DAY_MS + DAY_MS * this.dates++).toISOString().slice(0, 10);

  appId = (date: string, name: string) => `${date}-${name}`;
  key = (date: string, name: string) => launchKey(date, this.appId(date, name));

  /** A day that is over, with so many votes for each app, and not final yet. */
  async endedDay(votes: Record<string, number>): Promise<string> {
    const date = this.nextDate();
    const opensAt = new Date(`${date}T00:00:00Z`);
    const closesAt = new Date(opensAt.getTime() + DAY_MS);
    for (const [name, count] of Object.entries(votes)) {
      const projectId = this.appId(date, name);
      const instants = { opensAt, closesAt, anyOwner: true };
      const shard = this.names.shardOf(projectId);
      await registerLaunch(this.pool, { date, shard, projectId, name, ownerId: "owner", ...instants });
      await this.writeVotes({ projectId, count, opensAt, closesAt });
    }
    return date;
  }

  /** As it is after the worker has applied everything: period 1 was the launch. */
  private async writeVotes(o: { projectId: string; count: number; opensAt: Date; closesAt: Date }): Promise<void> {
    await this.pool.query("UPDATE projects SET opens_at = NULL, closes_at = NULL, period = 2 WHERE id = $1", [
      o.projectId,
    ]);
    await this.pool.query(
      `INSERT INTO project_periods (project_id, period, upvotes, closed_upvotes, ended_at) VALUES ($1, 1, $2, $2, $3)`,
      [o.projectId, o.count, o.closesAt],
    );
    await this.pool.query(
      `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
       SELECT $1, 1, 'voter-' || n, 'up', (extract(epoch FROM $3::timestamptz) * 1000000)::bigint + n, $3
         FROM generate_series(1, $2::int) n`,
      [o.projectId, o.count, o.opensAt],
    );
  }

  async finalDay(votes: Record<string, number>): Promise<string> {
    const date = await this.endedDay(votes);
    await this.finalize(date);
    await this.flush(date);
    return date;
  }

  async finalize(date: string, source: VoteSource = ROWS): Promise<void> {
    await finalizeDay({ stores: this, source, requestFlush: async () => undefined, now: () => new Date() }, date);
  }

  async flush(date: string, source: VoteSource = ROWS, isLastTry = false): Promise<void> {
    await flushDay({ stores: this, source, now: () => new Date() }, { date, isLastTry });
  }

  /** Everything MongoDB holds of a day. */
  async everything(date: string): Promise<unknown[]> {
    const ofDay = { $or: [{ launchDate: date }, { _id: date }] };
    const names = ["launch_apps", "vote_backups", "launch_finalizations"] as const;
    return Promise.all(names.map((name) => this.collection(name).find(ofDay).sort({ _id: 1 }).toArray()));
  }
}

/** Votes that are in rows already. */
export const ROWS: VoteSource = {
  name: "votesync",
  count: async () => ({ countedAt: new Date() }),
  flush: async (_date, apps) => apps.map(({ appId }) => appId),
};
