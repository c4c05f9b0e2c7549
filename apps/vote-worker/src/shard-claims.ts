/**
 * Which shards this worker applies. Workers divide them by PostgreSQL advisory locks, without talking to each other:
 * every worker holds one lock that says it lives, so each can count the living and claim its fair share. A worker that
 * dies loses its connection and with it all its locks, and the others pick its shards up within a tick.
 *
 * The locks only keep workers out of each other's way. That no event is applied twice is the work of `applyEvents`,
 * which also holds when a worker believes in a lock it has lost.
 */
import { randomInt } from "node:crypto";
import { ADVISORY_LOCKS } from "@votesync/core";
import pg from "pg";

const CLAIM_QUERY_TIMEOUT_MS = 2_000;
const MAX_LOCK_NUMBER = 2 ** 31 - 1;

const LIVING = `
  SELECT count(DISTINCT objid) AS workers FROM pg_locks
   WHERE locktype = 'advisory' AND granted AND classid = $1
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

export interface ShardClaimsOptions {
  databaseUrl: string;
  shards: readonly number[];
  onConnectionLost: (error: Error) => void;
}

export class ShardClaims {
  private readonly claimed = new Set<number>();
  private client: pg.Client | null = null;

  constructor(private readonly options: ShardClaimsOptions) {}

  held(): number[] {
    return [...this.claimed].sort((a, b) => a - b);
  }

  /** Claims or gives back shards until this worker holds its share. Called every tick; connects when it must. */
  async rebalance(): Promise<void> {
    const client = this.client ?? (await this.connect());
    try {
      const share = Math.ceil(this.options.shards.length / (await this.countWorkers(client)));
      for (const shard of this.held().slice(share)) await this.release(client, shard);
      await this.claimUpTo(client, share);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Gives everything back: the locks go with the connection. */
  async close(): Promise<void> {
    const client = this.client;
    this.client = null;
    this.claimed.clear();
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.options.databaseUrl,
      application_name: "vote-worker claims",
      connectionTimeoutMillis: CLAIM_QUERY_TIMEOUT_MS,
      query_timeout: CLAIM_QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on("error", (error) => this.forget(client, error));
    await client.connect();
    await client.query("SELECT pg_advisory_lock($1, $2)", [ADVISORY_LOCKS.workerPresence, randomInt(MAX_LOCK_NUMBER)]);
    this.client = client;
    return client;
  }

  private forget(client: pg.Client, error: Error): void {
    if (client !== this.client) return;
    this.client = null;
    this.claimed.clear();
    this.options.onConnectionLost(error);
  }

  private async countWorkers(client: pg.Client): Promise<number> {
    const { rows } = await client.query<{ workers: string }>(LIVING, [ADVISORY_LOCKS.workerPresence]);
    return Math.max(1, Number(rows[0]?.workers));
  }

  private async claimUpTo(client: pg.Client, share: number): Promise<void> {
    for (const shard of this.options.shards) {
      if (this.claimed.size >= share) return;
      if (this.claimed.has(shard)) continue;
      const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS locked", [
        ADVISORY_LOCKS.workerShard,
        shard,
      ]);
      if (rows[0]?.locked === true) this.claimed.add(shard);
    }
  }

  private async release(client: pg.Client, shard: number): Promise<void> {
    this.claimed.delete(shard);
    await client.query("SELECT pg_advisory_unlock($1, $2)", [ADVISORY_LOCKS.workerShard, shard]);
  }
}
