/**
 * The two real stores of a simulation, and what an operator or a disaster does to them: wiped, copied, put back to the copy.
 * Their data are few, so all of that takes milliseconds, and a history begins on empty stores without new ones being made.
 *
 * Their time is ours: Redis's scripts read it from two keys instead of `TIME`, and PostgreSQL's statements from a row instead of
 * its clock, so that a step takes 50 ms whatever the machine does, and versions are the same in every replay.
 */
import { RedisNames } from "@votesync/core";
import { connectPostgres, ensureShards, type PostgresConnection } from "@votesync/postgres-store";
import { SCRIPTS } from "@votesync/redis-store";
import { Redis } from "ioredis";
import type pg from "pg";
import { CREATE_COPIES, SET_CLOCK } from "./postgres-copies.js";
import { log } from "./silent-log.js";

export const SHARDS = 1;
const CLOCK_KEYS = ["clock:s", "clock:us"] as const;
/** Of each world: operations that are held keep their connections. */
const POOL_SIZE = 12;
/** Dead rows of thousands of histories make every scan slower. */
const HISTORIES_PER_VACUUM = 200;

export class TwoStores {
  readonly names = new RedisNames(SHARDS, "sim");
  nowUs = 0;
  private histories = 0;
  private isTimeTold = false;

  private constructor(
    readonly redis: Redis,
    private readonly redisDatabase: number,
    private readonly postgres: PostgresConnection,
  ) {}

  /**
   * @param o.redisUrl of a Redis that holds nothing else: it is wiped
   * @param o.redisDatabase this one of it, and for copies the next
   */
  static async connect(o: { redisUrl: string; redisDatabase: number; databaseUrl: string }): Promise<TwoStores> {
    const redis = new Redis(o.redisUrl, { scripts: scriptsWithOurTime(), db: o.redisDatabase });
    const url = withOurClock(o.databaseUrl);
    const postgres = connectPostgres({ url, name: "simulation", poolSize: POOL_SIZE, log });
    const stores = new TwoStores(redis, o.redisDatabase, postgres);
    await postgres.pool.query("TRUNCATE shard_progress");
    await ensureShards(postgres.pool, SHARDS);
    await postgres.pool.query(CREATE_COPIES);
    // As workers measure it all the time.
    await postgres.pool.query("INSERT INTO redis_clock (ahead) VALUES ('0')");
    await stores.copyPostgres("pristine");
    return stores;
  }

  get pool(): pg.Pool {
    return this.postgres.pool;
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.postgres.close();
  }

  /** Empty stores, the clock at now. */
  async reset(): Promise<void> {
    this.histories++;
    if (this.histories % HISTORIES_PER_VACUUM === 0) await this.pool.query("VACUUM");
    await this.putPostgresBack("pristine");
    await this.setTime(Date.now() * 1_000);
    await this.wipeRedis();
  }

  passTime(us: number): Promise<void> {
    return this.setTime(this.nowUs + us);
  }

  private async setTime(nowUs: number): Promise<void> {
    this.nowUs = nowUs;
    this.isTimeTold = false;
    await this.pool.query(SET_CLOCK, [nowUs]);
  }

  async wipeRedis(): Promise<void> {
    await this.redis.flushdb();
    this.isTimeTold = false;
  }

  async copyRedis(): Promise<void> {
    await this.redis.eval(COPY_REDIS, 0, this.redisDatabase, this.redisDatabase + 1);
  }

  async putRedisBack(): Promise<void> {
    await this.redis.eval(COPY_REDIS, 0, this.redisDatabase + 1, this.redisDatabase);
    this.isTimeTold = false;
  }

  async copyPostgres(copy: "copy" | "pristine" = "copy"): Promise<void> {
    await this.pool.query("SELECT simulation.save($1)", [copy]);
  }

  async putPostgresBack(copy: "copy" | "pristine" = "copy"): Promise<void> {
    await this.pool.query("SELECT simulation.put_back($1)", [copy]);
  }

  /** How many statements wait for a lock now. */
  async countBlocked(): Promise<number> {
    const { rows } = await this.pool.query<{ blocked: number }>(
      "SELECT count(*) AS blocked FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows[0]?.blocked ?? 0;
  }

  /** To be called before every command. Not waited for: the command comes after it, on the same connection. */
  tellTime(): void {
    if (this.isTimeTold) return;
    this.isTimeTold = true;
    const [s, us] = CLOCK_KEYS;
    void this.redis.mset(s, Math.floor(this.nowUs / 1_000_000), us, this.nowUs % 1_000_000);
  }
}

/** `clock_timestamp()` is ours: a schema before PostgreSQL's own has one. */
function withOurClock(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c search_path=simulation,pg_catalog,public");
  return url.href;
}

const COPY_REDIS = `
  local from, to = ARGV[1], ARGV[2]
  redis.call('SELECT', to)
  redis.call('FLUSHDB')
  redis.call('SELECT', from)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    redis.call('COPY', key, key, 'DB', to)
  end`;

/** Entries of streams get their ids of it too: which of them a trim takes is then the same in every replay. */
function scriptsWithOurTime() {
  const [s, us] = CLOCK_KEYS.map((key) => `redis.call('GET', '${key}')`);
  const entryId = `${s} .. string.format('%03d', math.floor(${us} / 1000)) .. '-*'`;
  return Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, { lua, numberOfKeys }]) => [
      name,
      {
        numberOfKeys,
        lua: lua.replaceAll("redis.call('TIME')", `{ ${s}, ${us} }`).replaceAll("'*', 'e'", `${entryId}, 'e'`),
      },
    ]),
  );
}
