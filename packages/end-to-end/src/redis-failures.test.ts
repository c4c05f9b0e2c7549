/**
 * Redis fails under load, in every way a server can: killed, frozen, wiped, restored from an old copy, unreachable for one
 * replica. Whatever was answered is found once, and both stores say the same in the end, without anybody's help.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postJson, postVote } from "./installation.js";
import { expectOneTruth, settled, VoteLoad } from "./vote-load.js";

const PROJECTS = Array.from({ length: 12 }, (_, i) => `failing:${i}`);

let installation: Installation;
let apis: ServiceProcess[];
let workers: ServiceProcess[];
let load: VoteLoad;

beforeEach(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  apis = [await installation.start("vote-api"), await installation.start("vote-api")];
  workers = [await installation.start("vote-worker"), await installation.start("vote-worker")];
  await installation.createProjects(apis[0] as ServiceProcess, PROJECTS);
  load = new VoteLoad(apis, PROJECTS).start();
  await load.more(300);
});
afterEach(async () => {
  await load.stop();
  await installation.remove();
});

test("killed and restarted three times", async () => {
  for (let kill = 0; kill < 3; kill++) {
    await installation.redisServer.kill9();
    await load.moreDegraded(100);
    await installation.redisServer.restart();
    await throughRedisAgain();
  }
  await load.stop();
  await expectOneTruth(installation, load);
}, 240_000);

test("frozen, and thawed with all that waited for it", async () => {
  installation.redisServer.freeze();
  await load.moreDegraded(1_000);
  installation.redisServer.thaw();
  await throughRedisAgain();
  await load.stop();
  await expectOneTruth(installation, load);
}, 240_000);

test("frozen, and PostgreSQL busy: a vote that is refused is not taken later either", async () => {
  await load.stop();
  await settled(installation);
  const events = async () => (await installation.query("SELECT FROM vote_events")).length;
  const before = await events();
  const lock = await installation.postgres.connect();
  await lock.query("BEGIN");
  await lock.query("SELECT FROM shard_progress FOR UPDATE");
  installation.redisServer.freeze();
  const body = { project_id: PROJECTS[0] as string, vote_type: "up" };
  const refused = await postJson(`${apis[0]?.url}/api/votes`, await testToken("patient"), body);
  expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([503, true]);
  await lock.query("COMMIT");
  lock.release();
  await waitFor("PostgreSQL to have nothing under way", async () => {
    const busy = "SELECT FROM pg_stat_activity WHERE application_name = 'vote-api' AND xact_start IS NOT NULL";
    return (await installation.query(busy)).length === 0;
  });
  expect(await events()).toBe(before);
  installation.redisServer.thaw();
  await settled(installation);
  expect(await events()).toBe(before);
  expect((await postVote(apis[0] as ServiceProcess, await testToken("patient"), body)).status).toBe(200);
  await expectOneTruth(installation, load);
  expect(await events()).toBe(before + 1);
}, 240_000);

test("wiped after everything was applied: rebuilt, nothing is missing", async () => {
  await load.stop();
  await settled(installation);
  const before = await epochs();
  await installation.redisServer.kill9();
  await installation.redisServer.wipe();
  await installation.redisServer.restart();
  load.start();
  await throughRedisAgain();
  await load.stop();
  await expectOneTruth(installation, load);
  expect(await epochs()).not.toEqual(before);
}, 240_000);

test("wiped with a backlog: only what no worker had applied is gone, and nothing is counted twice", async () => {
  for (const worker of workers) process.kill(worker.pid, "SIGSTOP");
  await load.more(300);
  await load.stop();
  const lost = await unappliedRequests();
  expect(lost.size).toBeGreaterThan(0);
  await installation.redisServer.kill9();
  await installation.redisServer.wipe();
  for (const worker of workers) process.kill(worker.pid, "SIGCONT");
  await installation.redisServer.restart();
  for (const request of lost) load.changes.delete(request);
  // What they stand at now is what PostgreSQL says; their next vote starts from there.
  load.standings.clear();
  load.start();
  await throughRedisAgain();
  await load.stop();
  await expectOneTruth(installation, load);
}, 240_000);

test("restored from an old copy: noticed, and read anew from PostgreSQL", async () => {
  await installation.redisServer.kill9();
  await installation.redisServer.copy();
  await installation.redisServer.restart();
  await throughRedisAgain();
  await load.stop();
  await settled(installation);
  const before = await epochs();
  await installation.redisServer.kill9();
  await installation.redisServer.restoreCopy();
  await installation.redisServer.restart();
  load.start();
  await throughRedisAgain();
  await load.stop();
  await expectOneTruth(installation, load);
  expect(await epochs()).not.toEqual(before);
}, 240_000);

/** They change when Redis's data are found to be others. */
const epochs = () => installation.query("SELECT shard, epoch FROM shard_progress ORDER BY shard");

/** Votes go the fast way again, for a while. */
async function throughRedisAgain(): Promise<void> {
  await waitFor("votes to go through Redis again", async () => {
    const { answers, degraded } = load;
    await load.more(50);
    return load.answers - answers - (load.degraded - degraded) >= 50;
  });
  await load.more(300);
}

/** Requests in the streams whose rows are not committed. */
async function unappliedRequests(): Promise<Set<string>> {
  const rows = await installation.query<{ shard: number; last_id: string }>(
    "SELECT shard, last_id FROM shard_progress",
  );
  const entries = await Promise.all(
    rows.map(({ shard, last_id }) => installation.redis.xrange(installation.names.events(shard), `(${last_id}`, "+")),
  );
  return new Set(entries.flat().map(([, fields]) => fields[1]?.split("\n")[2] ?? ""));
}
