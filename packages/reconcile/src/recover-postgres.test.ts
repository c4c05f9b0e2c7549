/** A PostgreSQL that was put back to an older copy: noticed, nothing newer overwritten, and what Redis has brought over. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VoteType } from "@votesync/core";
import { openIncident, readIncidents } from "@votesync/postgres-store";
import { markApplied, readCounts, trimEvents, writeEpoch } from "@votesync/redis-store";
import { FallbackRecovery } from "./fallback-recovery.js";
import { ShardBehindError } from "./project-loader.js";
import { recoverPostgresShard } from "./recover-postgres.js";
import { adoptShard, checkShards, rebuildShard } from "./shard-trust.js";
import type { Stores } from "./stores.js";
import { TestStores } from "./stores.testing.js";
import { verify } from "./verify.js";

const ID = "p";
const OTHER = "1b671a64-40d5-491e-99b0-da01ff1f3341";
/** Everything that a copy of the data folder would hold of votes. */
const TABLES = ["projects", "votes", "vote_events", "shard_progress", "point_moves", "project_periods", "outbox"];

let stores: TestStores;
beforeEach(async () => {
  stores = await TestStores.create();
  await stores.createProject(ID);
  await adoptShard(stores, shard());
});
afterEach(() => stores.remove());

const shard = () => stores.names.shardOf(ID);
const votes = async () => {
  const rows = await stores.rows<{ user_id: string; vote_type: VoteType }>(
    "SELECT project_id || ' ' || user_id AS user_id, vote_type FROM votes WHERE vote_type <> 'none' ORDER BY 1",
  );
  return Object.fromEntries(rows.map(({ user_id, vote_type }) => [user_id, vote_type]));
};

async function vote(userId: string, voteType: VoteType, projectId = ID): Promise<void> {
  await stores.cast(projectId, userId, voteType);
  await stores.apply(projectId);
  const [progress] = await stores.rows<{ last_id: string }>("SELECT last_id FROM shard_progress WHERE shard = $1", [
    shard(),
  ]);
  await markApplied(stores.redis, stores.names, shard(), progress?.last_id ?? "0-0");
}

async function copyPostgres(): Promise<() => Promise<void>> {
  await stores.pool.query("CREATE SCHEMA copy");
  for (const table of TABLES) await stores.pool.query(`CREATE TABLE copy.${table} AS TABLE ${table}`);
  return async () => {
    for (const table of TABLES) {
      const overriding = table === "point_moves" ? "OVERRIDING SYSTEM VALUE" : "";
      await stores.pool.query(`DELETE FROM ${table}`);
      await stores.pool.query(`INSERT INTO ${table} ${overriding} TABLE copy.${table}`);
    }
  };
}

/** The stores of a process that dies when the event stream is applied, and the projects in Redis are not. */
function killedAtProjects(): Stores {
  const redis = new Proxy(stores.redis, {
    get: (target, property): unknown => {
      const value: unknown = Reflect.get(target, property);
      if (property === "zscan") return () => Promise.reject(new Error("killed"));
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { redis, names: stores.names, pool: stores.pool };
}

/** Another project of the same shard, so that one recovery is about both. */
function neighbour(skip = 0): string {
  let left = skip;
  for (let i = 0; ; i++) if (stores.names.shardOf(`n${i}`) === shard() && left-- === 0) return `n${i}`;
}

const trust = async () => (await checkShards(stores)).get(shard());
const recover = (dryRun = false) => recoverPostgresShard(stores, shard(), { dryRun });

test("it is told from a Redis that lost data, and nothing in Redis is overwritten", async () => {
  await vote("ann", "up");
  const putBack = await copyPostgres();
  for (const user of ["bob", "cem"]) await vote(user, "up");
  await putBack();
  expect(await trust()).toBe("postgres-behind");
  await expect(stores.loader.reload(ID, "rebuilt", 0)).rejects.toThrow(ShardBehindError);
  expect(await stores.redis.hlen(stores.names.votes(ID, 0))).toBe(3);
});

test("votes come back from the stream: committed ones, changed ones, those of projects that were lost too", async () => {
  await vote("ann", "up");
  const putBack = await copyPostgres();
  const late = neighbour();
  await stores.createProject(late);
  for (const user of ["bob", "cem"]) await vote(user, "up");
  await vote("ann", "down");
  await vote("bob", "up", late);
  const before = await votes();
  await putBack();
  await openIncident(stores.pool, { store: "postgres", shard: shard(), details: {} });
  expect(await recover(true)).toMatchObject({ entries: 4, stream_complete: true, projects: [late] });
  expect(await votes()).toEqual({ "p ann": "up" });
  expect(await recover()).toMatchObject({ entries: 4, projects: [late] });
  expect(await votes()).toEqual(before);
  expect(await stores.rows("SELECT title, owner_id FROM projects WHERE id = $1", [late])).toEqual([
    { title: late, owner_id: "owner" },
  ]);
  expect([await trust(), await recover()]).toEqual(["same", null]);
  expect(await readIncidents(stores.pool)).toMatchObject([{ store: "postgres", resolvedAt: expect.any(Date) }]);
  await expectClean();
});

test("what the stream does not hold any more comes from the projects in Redis, votes of the fallback among it", async () => {
  await vote("ann", "up");
  const putBack = await copyPostgres();
  await vote("bob", "up");
  await stores.castPastRedis(ID, "cem", "down");
  await new FallbackRecovery(stores, stores.loader).runOnce();
  await vote("dan", "up");
  const before = await votes();
  await putBack();
  const [end] = await stores.redis.xrevrange(stores.names.events(shard()), "+", "-", "COUNT", 1);
  await stores.redis.xtrim(stores.names.events(shard()), "MINID", end?.[0] ?? "");
  expect(await recover()).toMatchObject({ entries: 1, stream_complete: false, votes: 2 });
  expect(await votes()).toEqual(before);
  expect((await readCounts(stores.redis, stores.names, [ID])).get(ID)).toMatchObject({ upvotes: 3, downvotes: 1 });
  await expectClean();
});

test("a recovery that was killed once the stream was applied is done again, and nothing is loaded from its rows before", async () => {
  await vote("ann", "up");
  const putBack = await copyPostgres();
  for (const user of ["bob", "dan"]) await vote(user, "up");
  const before = await votes();
  await putBack();
  const [end] = await stores.redis.xrevrange(stores.names.events(shard()), "+", "-", "COUNT", 1);
  await stores.redis.xtrim(stores.names.events(shard()), "MINID", end?.[0] ?? "");
  await expect(recoverPostgresShard(killedAtProjects(), shard(), { dryRun: false })).rejects.toThrow("killed");
  expect(await votes()).toEqual({ "p ann": "up", "p dan": "up" });
  expect(await trust()).toBe("postgres-behind");
  await expect(stores.loader.reload(ID, "rebuilt", 0)).rejects.toThrow(ShardBehindError);
  expect(await recover()).toMatchObject({ votes: 1 });
  expect(await votes()).toEqual(before);
  expect([await trust(), await recover()]).toEqual(["same", null]);
});

test("a Redis that is lost meanwhile ends the recovery: nothing is left to bring over", async () => {
  const putBack = await copyPostgres();
  await vote("ann", "up");
  await putBack();
  await openIncident(stores.pool, { store: "postgres", shard: shard(), details: {} });
  await stores.redis.del(stores.names.epoch(shard()), stores.names.applied(shard()));
  await rebuildShard(stores, shard());
  expect(await trust()).toBe("same");
  expect(await readIncidents(stores.pool)).toMatchObject([
    { resolvedAt: expect.any(Date) },
    { resolvedAt: expect.any(Date) },
  ]);
});

test("wishes that PostgreSQL took after it was put back stand, because they are newer", async () => {
  const putBack = await copyPostgres();
  await vote("ann", "up");
  await putBack();
  await stores.castPastRedis(ID, "ann", "down");
  await recover();
  expect(await votes()).toEqual({ "p ann": "down" });
  await new FallbackRecovery(stores, stores.loader).runOnce();
  await expectClean();
});

test("a vote past Redis that Redis has loaded tells a PostgreSQL that went back, where no event does", async () => {
  const putBack = await copyPostgres();
  await stores.castPastRedis(ID, "ann", "up");
  await stores.cast(ID, "bob", "up");
  await putBack();
  expect(await trust()).toBe("postgres-behind");
  expect(await recover()).toMatchObject({ entries: 1, votes: 1 });
  expect(await trust()).toBe("same");
  expect(await votes()).toEqual({ "p ann": "up", "p bob": "up" });
});

test("the leaderboards get another epoch, once, because they hold points of moves that are gone", async () => {
  const epoch = async () =>
    (await stores.rows<{ boards_epoch: string | null }>("SELECT boards_epoch FROM sync_state"))[0];
  const before = await epoch();
  expect(await openIncident(stores.pool, { store: "postgres", shard: 0, details: {} })).toBe(true);
  const after = await epoch();
  expect(after).not.toEqual(before);
  expect(await openIncident(stores.pool, { store: "postgres", shard: 0, details: {} })).toBe(false);
  expect(await openIncident(stores.pool, { store: "postgres", shard: 1, details: {} })).toBe(true);
  expect(await epoch()).toEqual(after);
});

test("an event that PostgreSQL refuses is parked, and the others are brought over", async () => {
  await vote("ann", "up");
  const putBack = await copyPostgres();
  for (const user of ["bob", "eve", "cem"]) await vote(user, "up");
  await putBack();
  await stores.pool.query("ALTER TABLE votes ADD CONSTRAINT no_eve CHECK (user_id <> 'eve')");
  await stores.redis.hdel(stores.names.votes(ID, 0), "eve");
  expect(await recover()).toMatchObject({ entries: 3 });
  expect(await votes()).toEqual({ "p ann": "up", "p bob": "up", "p cem": "up" });
  expect(await stores.rows("SELECT user_id FROM parked_events")).toEqual([{ user_id: "eve" }]);
});

test("what is damaged in Redis keeps nothing else from being brought over", async () => {
  const [late, tampered, ruined] = [neighbour(), neighbour(1), neighbour(2)];
  await vote("ann", "up");
  const putBack = await copyPostgres();
  for (const id of [late, tampered]) await stores.createProject(id);
  await vote("bob", "up");
  await vote("bob", "up", tampered);
  await stores.cast(late, "cem", "up");
  await stores.apply(late);
  await putBack();
  await stores.redis.set(stores.names.votes(late, 0), "a text");
  await stores.redis.hset(stores.names.votes(ID, 0), "dan", "a text");
  await stores.redis.hset(stores.names.project(tampered), "about", "a text");
  await stores.redis.set(stores.names.project(ruined), "a text");
  await stores.redis.zadd(stores.names.loaded(shard()), 1, ruined);
  expect(await recover()).toMatchObject({ entries: 3, projects: [tampered, late, ruined] });
  expect(await votes()).toEqual({ "p ann": "up", "p bob": "up", [`${late} cem`]: "up", [`${tampered} bob`]: "up" });
});

test("another installation's Redis is no reason to write its votes here", async () => {
  await writeEpoch(stores.redis, stores.names, shard(), { epoch: OTHER, installation: OTHER });
  await markApplied(stores.redis, stores.names, shard(), "9-0");
  expect(await trust()).toBe("lost");
  expect(await recover()).toBeNull();
});

test("a stream that is trimmed keeps what comes after the watermark", async () => {
  await vote("ann", "up");
  await stores.cast(ID, "bob", "up");
  const [progress] = await stores.rows<{ last_id: string }>("SELECT last_id FROM shard_progress WHERE shard = $1", [
    shard(),
  ]);
  await trimEvents(stores.redis, stores.names, { shard: shard(), minId: progress?.last_id ?? "" });
  await stores.apply(ID);
  expect(await votes()).toEqual({ "p ann": "up", "p bob": "up" });
});

async function expectClean(): Promise<void> {
  await stores.apply(ID);
  const report = await verify(stores, { timeoutMs: 0 });
  const { counters, replay, voters, waiting } = report;
  expect({ counters, replay, voters, waiting }).toEqual({ counters: [], replay: [], voters: [], waiting: [] });
}
