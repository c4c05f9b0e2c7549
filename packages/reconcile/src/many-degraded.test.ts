/** Far more degraded projects than fit into one batch: they are held and recovered page by page, by any number of replicas. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { findDegradedProjects, type MarkedProject } from "@votesync/postgres-store";
import { type ProjectHold, readCounts } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { FallbackRecovery } from "./fallback-recovery.js";
import { HeldProjects } from "./held-projects.js";
import { ProjectLoader } from "./project-loader.js";
import { TestStores } from "./stores.testing.js";

/** Eight projects at once, each with a few commands. */
const MAX_IN_FLIGHT = 64;
const PATIENCE_MS = 60_000;

let stores: TestStores;

beforeEach(async () => {
  stores = await TestStores.create();
});
afterEach(() => stores.remove());

const idsUpTo = (count: number) => Array.from({ length: count }, (_, i) => `p${String(i).padStart(6, "0")}`);

/** One vote past Redis on each of them. */
async function degrade(projectIds: string[]): Promise<void> {
  const shards = projectIds.map((id) => stores.names.shardOf(id));
  await stores.pool.query(
    `WITH made AS (
       INSERT INTO projects (id, title, owner_id, upvotes, version) SELECT id, id, 'owner', 1, 7 FROM unnest($1::text[]) AS id
     ), voted AS (
       INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
       SELECT id, 0, 'ann', 'up', 7, now() FROM unnest($1::text[]) AS id
     )
     INSERT INTO outbox (request_id, shard, project_id, period, user_id, action, vote_type, previous_vote_type, previous_at,
                         version, upvotes, downvotes, accepted_at)
     SELECT shard || '.request-' || id, shard, id, 0, 'ann', 'created', 'up', 'none', 'epoch', 7, 1, 0, now() - interval '1 min'
       FROM unnest($1::text[], $2::int[]) AS made (id, shard)`,
    [projectIds, shards],
  );
}

/** How many commands wait for their answers, at most. */
function commandsInFlight(): { most: number } {
  const inFlight = { now: 0, most: 0 };
  const { redis } = stores;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...sent: Parameters<typeof send>) => {
    inFlight.most = Math.max(inFlight.most, ++inFlight.now);
    const answered = () => inFlight.now--;
    sent[0].promise.then(answered, answered);
    return send(sent[0], sent[1]);
  };
  return inFlight;
}

const countHeld = async (projectIds: string[]) => {
  let found = 0;
  for (let from = 0; from < projectIds.length; from += 1_000) {
    const page = projectIds.slice(from, from + 1_000);
    const held = await Promise.all(page.map((id) => stores.redis.hexists(stores.names.project(id), "held")));
    found += held.filter((one) => one === 1).length;
  }
  return found;
};
const countWaiting = async () => (await stores.rows("SELECT FROM outbox WHERE recovered_at IS NULL")).length;

test("50,000 degraded projects are all held, with few commands in flight, and recovery proceeds", async () => {
  const ids = idsUpTo(50_000);
  await degrade(ids);
  const recovery = new FallbackRecovery(stores, stores.loader);
  const inFlight = commandsInFlight();
  await recovery.holdDegraded();
  expect(await recovery.runOnce()).toEqual({ recovered: 200, waiting: 0, more: true });
  expect(await recovery.runOnce()).toEqual({ recovered: 200, waiting: 0, more: true });
  expect(inFlight.most).toBeLessThanOrEqual(MAX_IN_FLIGHT);
  expect(await countWaiting()).toBe(49_600);
  expect(await countHeld(ids)).toBe(49_600);
});

/** Before each load the other replica gains trust, and holds all that is degraded. */
class InterruptedLoader extends ProjectLoader {
  other: FallbackRecovery | undefined;

  override async load(projectId: string, hold: ProjectHold, waitMs?: number): Promise<boolean> {
    await this.other?.holdDegraded();
    return super.load(projectId, hold, waitMs);
  }
}

test("two replicas that recover the same 200 projects, and hold them again and again, both finish", async () => {
  const ids = idsUpTo(200);
  await degrade(ids);
  const loaders = [new InterruptedLoader(stores), new InterruptedLoader(stores)] as const;
  const [one, other] = [new FallbackRecovery(stores, loaders[0]), new FallbackRecovery(stores, loaders[1])];
  loaders[0].other = other;
  loaders[1].other = one;
  let areDone = false;
  const oneOfEachShard = stores.names
    .allShards()
    .flatMap((shard) => ids.find((id) => stores.names.shardOf(id) === shard) ?? []);
  const worker = waitFor(
    "both replicas and the reloads",
    async () => {
      for (const id of oneOfEachShard) await stores.apply(id);
      return areDone;
    },
    PATIENCE_MS,
  );
  await Promise.all([one, other].map((replica) => waitFor("nothing to be left", () => isIdle(replica), PATIENCE_MS)));
  expect(await countWaiting()).toBe(0);
  const held = new HeldProjects(stores, stores.loader);
  await waitFor(
    "no project to be held",
    async () => (await held.runOnce()) && (await countHeld(ids)) === 0,
    PATIENCE_MS,
  );
  areDone = true;
  await worker;
  const counts = await readCounts(stores.redis, stores.names, ids);
  expect([...counts.values()].filter(({ upvotes }) => upvotes === 1)).toHaveLength(200);
});

async function isIdle(recovery: FallbackRecovery): Promise<boolean> {
  const { recovered, waiting } = await recovery.runOnce();
  return recovered + waiting === 0;
}

test("projects of a shard that is behind keep neither each other nor those of other shards waiting", async () => {
  const ids = idsUpTo(4_000);
  const behind = ids.filter((id) => stores.names.shardOf(id) === 0).slice(0, 250);
  const free = ids.filter((id) => stores.names.shardOf(id) === 1).slice(0, 10);
  await degrade([...behind, ...free]);
  for (const id of behind) {
    await stores.redis.hset(stores.names.project(id), { version: 1, last_event: "9000000000000-0" });
  }
  const recovery = new FallbackRecovery(stores, stores.loader);
  expect(await recovery.runOnce()).toEqual({ recovered: 0, waiting: 200, more: true });
  expect(await recovery.runOnce()).toEqual({ recovered: 10, waiting: 50, more: false });
  await stores.pool.query("UPDATE shard_progress SET last_id = '9000000000000-0' WHERE shard = 0");
  expect(await recovery.runOnce()).toEqual({ recovered: 200, waiting: 0, more: true });
  expect(await recovery.runOnce()).toEqual({ recovered: 50, waiting: 0, more: false });
});

test("a page ends within a shard and the next one goes on there, marks of both kinds told once per project", async () => {
  const ids = idsUpTo(40);
  await degrade(ids);
  await stores.pool.query(
    "INSERT INTO pending_reloads (shard, project_id) SELECT shard, project_id FROM outbox WHERE project_id < 'p000020'",
  );
  const found: MarkedProject[] = [];
  let page: MarkedProject[];
  do {
    page = await findDegradedProjects(stores.pool, { limit: 7, after: found.at(-1) ?? null });
    found.push(...page);
  } while (page.length > 0);
  expect(found.map(({ projectId }) => projectId).sort()).toEqual(ids);
  expect(
    found.every(({ voteVersion, reloadId, projectId }) => voteVersion === 7 && reloadId > 0 === projectId < "p000020"),
  );
});
