/**
 * A launch in both stores: however votes come in around its two instants, through Redis or past it, applied soon or late, the
 * period's result is what was voted from the first instant on and before the second.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VoteType } from "@votesync/core";
import { closePeriod } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import fc from "fast-check";
import { FallbackRecovery } from "./fallback-recovery.js";
import { TestStores } from "./stores.testing.js";

let stores: TestStores;
let recovery: FallbackRecovery;
let projects = 0;

beforeEach(async () => {
  stores = await TestStores.create();
  recovery = new FallbackRecovery(stores, stores.loader);
});
afterEach(() => stores.remove());

const step = fc.record({
  user: fc.constantFrom("ann", "bob", "cem", "dan"),
  vote: fc.constantFrom<VoteType>("up", "up", "none"),
  way: fc.constantFrom("redis", "redis", "redis", "past", "apply", "recover"),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test("the result is exact over random histories around both instants", async () => {
  const history = fc.array(step, { minLength: 20, maxLength: 40 });
  const ms = fc.integer({ min: 0, max: 60 });
  await fc.assert(fc.asyncProperty(history, ms, ms, checkHistory), { numRuns: 25 });
});

async function checkHistory(history: Step[], untilOpenMs: number, openMs: number): Promise<void> {
  const id = `app-${++projects}`;
  await stores.createProject(id);
  await stores.pool.query(
    // In whole milliseconds, which is all a Date can carry.
    `UPDATE projects SET opens_at = date_trunc('milliseconds', clock_timestamp()) + $2 * interval '1 millisecond',
            closes_at = date_trunc('milliseconds', clock_timestamp()) + $3 * interval '1 millisecond' WHERE id = $1`,
    [id, untilOpenMs, untilOpenMs + openMs + 1],
  );
  const [instants] = await stores.rows<Instants>("SELECT opens_at, closes_at FROM projects WHERE id = $1", [id]);
  for (const { user, vote, way } of history) await take(id, user, vote, way);
  await waitFor("the launch to be over", async () => (await stores.rows(OVER, [instants?.closes_at])).length > 0);
  await stores.cast(id, "late", "up");
  await stores.apply(id);
  await settle(id);
  expect(await results(id)).toEqual(await resultsOfEvents(id, instants as Instants));
}

interface Instants {
  opens_at: Date;
  closes_at: Date;
}

const OVER = "SELECT WHERE clock_timestamp() > $1";

async function take(id: string, user: string, vote: VoteType, way: Step["way"]): Promise<void> {
  if (way === "past") await stores.castPastRedis(id, user, vote, { unlimited: true });
  else if (way === "apply") await stores.apply(id);
  else if (way === "recover") await settle(id);
  else await stores.cast(id, user, vote);
}

/** All applied, all recovered, and the period ended in Redis too. */
async function settle(id: string): Promise<void> {
  await stores.apply(id);
  await recovery.runOnce();
  await closePeriod(stores.redis, stores.names, id);
  await stores.apply(id);
}

/** Period → up-votes, by the counters. */
async function results(id: string): Promise<Record<string, number>> {
  const ended = await stores.rows<{ period: number; upvotes: number }>(
    "SELECT period, upvotes FROM project_periods WHERE project_id = $1",
    [id],
  );
  const [current] = await stores.rows<{ period: number; upvotes: number }>(
    "SELECT period, upvotes FROM projects WHERE id = $1",
    [id],
  );
  expect(current?.period).toBe(2);
  return Object.fromEntries([...ended, current].map((row) => [row?.period, row?.upvotes]));
}

/** The same by nothing but the times of the events. */
async function resultsOfEvents(id: string, { opens_at, closes_at }: Instants): Promise<Record<string, number>> {
  const rows = await stores.rows<{ period: number; upvotes: number }>(
    `SELECT period, count(*) FILTER (WHERE vote_type = 'up') AS upvotes
       FROM (SELECT DISTINCT ON (period, user_id) period, vote_type
               FROM (SELECT *, CASE WHEN accepted_at < $2 THEN 0 WHEN accepted_at < $3 THEN 1 ELSE 2 END AS of_time
                       FROM vote_events WHERE project_id = $1) e
              WHERE of_time = period
              ORDER BY period, user_id, version DESC) newest
      GROUP BY period`,
    [id, opens_at, closes_at],
  );
  const misplaced = await stores.rows(
    `SELECT period, accepted_at FROM vote_events
      WHERE project_id = $1
        AND period <> CASE WHEN accepted_at < $2 THEN 0 WHEN accepted_at < $3 THEN 1 ELSE 2 END`,
    [id, opens_at, closes_at],
  );
  expect(misplaced).toEqual([]);
  return { 0: 0, 1: 0, 2: 0, ...Object.fromEntries(rows.map(({ period, upvotes }) => [period, upvotes])) };
}
