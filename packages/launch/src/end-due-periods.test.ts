/** Periods that are over while nobody votes: one project's trouble is not the others'. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { registerLaunch } from "@votesync/postgres-store";
import { ProjectLoader } from "@votesync/reconcile";
import { closePeriod } from "@votesync/redis-store";
import { type EndedPeriods, endDuePeriods } from "./end-due-periods.js";
import { TestLaunchStores } from "./final-day.testing.js";
import { OwnVotesSource } from "./own-votes-source.js";

let stores: TestLaunchStores;
let date: string;
let apps: string[];
let failed: string[];

beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

/** A day with an app on each of three shards, over and not ended anywhere. */
beforeEach(async () => {
  date = stores.nextDate();
  const ids = Array.from({ length: 100 }, (_, i) => stores.appId(date, `app-${i}`));
  apps = [0, 1, 2].map((shard) => ids.find((id) => stores.names.shardOf(id) === shard) as string);
  failed = [];
  const opensAt = new Date(`${date}T00:00:00Z`);
  const closesAt = new Date(`${date}T20:00:00Z`);
  for (const projectId of apps) {
    const shard = stores.names.shardOf(projectId);
    const instants = { opensAt, closesAt, anyOwner: true };
    await registerLaunch(stores.pool, { date, shard, projectId, name: projectId, ownerId: "owner", ...instants });
  }
});

const onFailed = (found: EndedPeriods["failed"]) => void failed.push(...found.keys());
const run = () => endDuePeriods(stores, new ProjectLoader(stores), onFailed);
const damage = (id: string) => stores.redis.set(stores.names.project(id), "nonsense");
const periodOf = async (id: string) => {
  const state = await closePeriod(stores.redis, stores.names, id);
  return state.kind === "open" ? state.period : state.kind;
};
const inRedis = (id: string) => stores.redis.hget(stores.names.project(id), "period");
const FIRST_SHARD_EVENT = ["1", "counts", "x", 0, 1, 0, 0, "redis-drift", 1].join("\n");

test("a damaged project is read anew, and its period ends with the others'", async () => {
  const [, damaged = ""] = apps;
  await damage(damaged);
  await run();
  expect(failed).toEqual([]);
  expect(await Promise.all(apps.map(periodOf))).toEqual([2, 2, 2]);
});

test("one that cannot be read anew now is named, keeps no other from its end, and ends once it can", async () => {
  const [stuck = "", ...others] = apps;
  await damage(stuck);
  // Not applied: its rows may lack votes that Redis had.
  const events = stores.names.events(stores.names.shardOf(stuck));
  const id = (await stores.redis.xadd(events, "*", "e", FIRST_SHARD_EVENT)) as string;
  await run();
  expect(failed).toEqual([stuck]);
  expect(await Promise.all(others.map(inRedis))).toEqual(["2", "2"]);

  await damage(stuck);
  await expect(new OwnVotesSource(stores, 1).count(date)).rejects.toThrow(
    `the periods of 1 apps could not be ended: ${stuck} (the shard has not been applied`,
  );
  await stores.pool.query("UPDATE shard_progress SET last_id = $1 WHERE shard = $2", [id, stores.names.shardOf(stuck)]);
  await run();
  expect(failed).toEqual([stuck]);
  expect(await periodOf(stuck)).toBe(2);
});
