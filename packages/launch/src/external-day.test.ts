/** A day that another voting API counted: votes that were cast here too are no result, and are let go of all the same. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TestLaunchStores } from "./final-day.testing.js";
import { OwnVotesSource } from "./own-votes-source.js";
import { checkVoteHealth, OVERDUE_AFTER_MS } from "./vote-health.js";
import type { VoteSource } from "./vote-source.js";

let stores: TestLaunchStores;

beforeAll(async () => {
  stores = await TestLaunchStores.create();
});
afterAll(() => stores.remove());

const elsewhere = (date: string, votes: Record<string, number>): VoteSource => ({
  name: "external",
  count: async () => ({
    countedAt: new Date(),
    votes: new Map(Object.entries(votes).map(([name, count]) => [stores.appId(date, name), count])),
  }),
  flush: (_date, apps) => new OwnVotesSource(stores).flush(date, apps),
});

test("it is healthy, though the rows here say something else", async () => {
  const date = await stores.endedDay({ rocket: 2, teapot: 0 });
  const source = elsewhere(date, { rocket: 42, teapot: 7 });
  await stores.finalize(date, source);
  await stores.flush(date, source);
  const report = await checkVoteHealth(stores, { date, nowMs: Date.now(), overdueAfterMs: OVERDUE_AFTER_MS });
  expect(report).toMatchObject({ status: "healthy", health: { finalizedApps: 2, unflushedApps: 0, issues: [] } });
});

test("its counts may come before its end is known here: what was voted here is still let go of", async () => {
  const date = await stores.endedDay({ rocket: 2 });
  const projectId = stores.appId(date, "rocket");
  const setEnd = (endedAt: Date | null) =>
    stores.pool.query("UPDATE project_periods SET ended_at = $2 WHERE project_id = $1", [projectId, endedAt]);
  const { rows } = await stores.pool.query<{ closes_at: Date }>(
    "SELECT closes_at FROM launches WHERE project_id = $1",
    [projectId],
  );
  const votes = stores.names.votes(projectId, 1);
  await stores.redis.hset(votes, "voter-1", "up");
  await setEnd(null);
  const source = elsewhere(date, { rocket: 42 });
  await stores.finalize(date, source);
  await setEnd(rows[0]?.closes_at ?? null);
  await stores.flush(date, source);
  expect(await stores.redis.exists(votes)).toBe(0);
});
