/**
 * Replicas that disagree about who is in charge: one casts in Redis, another one past it. Of two wishes of a user the later one
 * stands, a request and a key act once, and points follow from what the rows did.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VoteType } from "@votesync/core";
import { castFallbackVote, type FallbackOutcome, readPointMoves } from "@votesync/postgres-store";
import { type CastOutcome, castVote, markKeysLost, readCounts } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { castAgain } from "./cast-again.js";
import { FallbackRecovery } from "./fallback-recovery.js";
import { TestStores } from "./stores.testing.js";

const ID = "p";
const KEY = { key: "click 1", fingerprint: "up accepted" };

let stores: TestStores;
let recovery: FallbackRecovery;
beforeEach(async () => {
  stores = await TestStores.create();
  recovery = new FallbackRecovery(stores, stores.loader);
  await stores.createProject(ID);
});
afterEach(() => stores.remove());

const shard = () => stores.names.shardOf(ID);
const rows = () =>
  stores.rows<{ user_id: string; vote_type: VoteType }>("SELECT user_id, vote_type FROM votes ORDER BY 1");
const counters = async () =>
  (await stores.rows<{ upvotes: number; downvotes: number }>("SELECT upvotes, downvotes FROM projects"))[0];
const inRedis = async () => (await readCounts(stores.redis, stores.names, [ID])).get(ID);
const actionOf = (outcome: CastOutcome | FallbackOutcome) =>
  outcome.kind === "answer" ? outcome.answer.action : outcome.kind;

/** The owner's points of up-votes, as the ledger has them. */
async function points(): Promise<number> {
  const {
    stretches: [stretch],
  } = await readPointMoves(stores.pool, { shards: [shard()], given: new Map(), limit: 1_000 });
  return (stretch?.moves ?? []).reduce((sum, { upvotes }) => sum + upvotes, 0);
}

/** What happens once nobody is cut off any more. */
async function heal(): Promise<void> {
  await stores.apply(ID);
  expect(await recovery.runOnce()).toMatchObject({ waiting: 0 });
  await stores.apply(ID);
}

const keyed = (requestId: string, voteType: VoteType): Promise<CastOutcome> =>
  castVote(stores.redis, stores.names, {
    requestId,
    projectId: ID,
    userId: "ann",
    voteType,
    deadlineUs: Number.MAX_SAFE_INTEGER,
    limit: { max: 0, windowMs: 1 },
    idempotency: KEY,
  });

test("a vote past Redis that is taken back in Redis, which never knew it, stays taken back", async () => {
  await stores.cast(ID, "bob", "up");
  await stores.apply(ID);
  await stores.castPastRedis(ID, "ann", "up");
  expect(actionOf(await stores.cast(ID, "ann", "none"))).toBe("unchanged");
  await heal();
  expect(await rows()).toEqual([
    { user_id: "ann", vote_type: "none" },
    { user_id: "bob", vote_type: "up" },
  ]);
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 1 }, { upvotes: 1 }, 1]);
});

test("a vote taken back past Redis that is given again in Redis, which never missed it, is given", async () => {
  await stores.cast(ID, "ann", "up");
  await stores.apply(ID);
  await stores.castPastRedis(ID, "ann", "none");
  expect(actionOf(await stores.cast(ID, "ann", "up"))).toBe("unchanged");
  await heal();
  expect(await rows()).toEqual([{ user_id: "ann", vote_type: "up" }]);
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 1 }, { upvotes: 1 }, 1]);
});

test("the same vote past Redis and in Redis is one vote and one point", async () => {
  await stores.cast(ID, "bob", "up");
  await stores.castPastRedis(ID, "ann", "up");
  await stores.cast(ID, "ann", "up");
  await heal();
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 2 }, { upvotes: 2 }, 2]);
});

test("one request that both stores took is one event, one vote and one point", async () => {
  const requestId = stores.newRequestId(ID);
  await stores.cast(ID, "ann", "up", requestId);
  await stores.castPastRedis(ID, "ann", "up", { requestId });
  await heal();
  expect(await stores.rows("SELECT FROM vote_events")).toHaveLength(1);
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 1 }, { upvotes: 1 }, 1]);
});

/** Whoever waits for the shard's row; the order in which they get it is that in which they came. */
const waiting = async (count: number) =>
  (await stores.rows("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"))
    .length === count;

test("a batch that waited for the fallback's commit sees what it committed", async () => {
  const requestId = stores.newRequestId(ID);
  await stores.cast(ID, "ann", "up", requestId);
  const blocker = await stores.pool.connect();
  await blocker.query("BEGIN");
  await blocker.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [shard()]);
  const fallback = stores.castPastRedis(ID, "ann", "up", { requestId });
  await waitFor("the fallback to wait", () => waiting(1));
  const batch = stores.apply(ID);
  await waitFor("the batch to wait behind it", () => waiting(2));
  await blocker.query("COMMIT");
  blocker.release();
  await Promise.all([fallback, batch]);
  expect(await stores.rows("SELECT request_id FROM vote_events")).toEqual([{ request_id: requestId }]);
});

test("a key that Redis answered is answered the same past Redis, and acts once", async () => {
  await stores.cast(ID, "bob", "up");
  const first = await keyed(stores.newRequestId(ID), "up");
  await stores.apply(ID);
  const again = await stores.castPastRedis(ID, "ann", "up", { idempotency: KEY });
  if (first.kind !== "answer") throw new Error(first.kind);
  const { eventId: _, ...answer } = first.answer;
  expect(again).toMatchObject({ kind: "answer", replayed: true, answer });
  expect(
    await stores.castPastRedis(ID, "ann", "down", { idempotency: { ...KEY, fingerprint: "down accepted" } }),
  ).toEqual({
    kind: "conflict",
  });
  expect(await stores.rows("SELECT FROM outbox")).toEqual([]);
});

test("a key that acted in Redis, and again past it before its event was applied, has acted once: where it was first", async () => {
  await stores.cast(ID, "bob", "up");
  await stores.apply(ID);
  await keyed(stores.newRequestId(ID), "up");
  await stores.cast(ID, "ann", "none");
  await stores.castPastRedis(ID, "ann", "up", { idempotency: KEY });
  await heal();
  await heal();
  expect(await rows()).toContainEqual({ user_id: "ann", vote_type: "none" });
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 1 }, { upvotes: 1 }, 1]);
  expect(await stores.rows("SELECT FROM idempotency_keys")).toHaveLength(1);
});

test("two clicks under one key, each taken by one store, are the first of them", async () => {
  await stores.cast(ID, "bob", "up");
  await stores.apply(ID);
  await stores.castPastRedis(ID, "ann", "up", { idempotency: KEY });
  await stores.castPastRedis(ID, "ann", "none");
  await keyed(stores.newRequestId(ID), "up");
  await heal();
  await heal();
  expect(await rows()).toContainEqual({ user_id: "ann", vote_type: "none" });
  expect([await counters(), await inRedis(), await points()]).toMatchObject([{ upvotes: 1 }, { upvotes: 1 }, 1]);
});

test("after Redis lost its answers to keys, PostgreSQL is asked for them", async () => {
  const first = await keyed(stores.newRequestId(ID), "up");
  const answered =
    first.kind === "absent" ? await stores.loader.load(ID, first).then(() => keyed("0.first", "up")) : first;
  await stores.apply(ID);
  await stores.redis.del(stores.names.idempotency(ID, "ann", KEY.key));
  await markKeysLost(stores.redis, stores.names, shard());
  expect(await keyed("0.second", "up")).toMatchObject({ kind: "ask-key" });
  const vote = { projectId: ID, userId: "ann", voteType: "up" as const, idempotency: KEY };
  if (answered.kind !== "answer") throw new Error(answered.kind);
  expect(await castAgain(stores, vote)).toMatchObject({ answer: { requestId: answered.answer.requestId } });
  expect(await castAgain(stores, { ...vote, idempotency: { ...KEY, key: "click 2" } })).toMatchObject({
    answer: { action: "unchanged" },
  });
});

test("a fallback's stamp is a time of Redis's clock, whatever the replica's own and PostgreSQL's say", async () => {
  const aheadMs = -3_600_000;
  await stores.pool.query("INSERT INTO redis_clock (ahead) VALUES ($1 * interval '1 millisecond')", [aheadMs]);
  const vote = {
    shard: shard(),
    projectId: ID,
    userId: "ann",
    voteType: "up" as const,
    limit: { max: 0, windowMs: 1 },
  };
  const redisNowUs = (Date.now() + 7_200_000) * 1_000;
  const outcome = await castFallbackVote(stores.pool, { ...vote, requestId: stores.newRequestId(ID), redisNowUs });
  if (outcome.kind !== "answer") throw new Error(outcome.kind);
  const { version, acceptedAtUs } = outcome.answer;
  expect(version).toBe(acceptedAtUs);
  expect(Math.abs(acceptedAtUs / 1_000 - (Date.now() + aheadMs))).toBeLessThan(60_000);
});
