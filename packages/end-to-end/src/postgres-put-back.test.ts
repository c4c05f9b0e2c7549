/**
 * PostgreSQL's data folder is copied, voted on and put back: it went back in time, and Redis has what happened since. That is
 * noticed by name, nothing newer is overwritten, and what Redis still has becomes rows again.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { BreakableLink, OwnPostgres, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import { Installation, postJson } from "./installation.js";
import { expectPointsSynced } from "./point-truth.js";
import { expectSameCounters, expectVerified, settled, VoteLoad, wrongRows } from "./vote-load.js";

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const OLD = Array.from({ length: 8 }, (_, i) => `old:${i}`);
const NEW = Array.from({ length: 4 }, (_, i) => `new:${i}`);
const COMMITTED = 40;

let installation: Installation;
let ownPostgres: OwnPostgres;
let link: BreakableLink;
let api: ServiceProcess;
let worker: ServiceProcess;
let load: VoteLoad;

afterEach(async () => {
  await load.stop();
  await installation.remove();
  await ownPostgres.remove();
  await link.cut();
});

/** Voted on, settled and copied. */
async function start(recovery: "auto" | "manual"): Promise<void> {
  ownPostgres = await OwnPostgres.start();
  const database = { url: ownPostgres.url, drop: async () => undefined };
  await promisify(execFile)(process.execPath, [CLI, "migrate"], { env: { DATABASE_URL: database.url } });
  installation = await Installation.create({ VOTE_RATE_MAX: "0", POSTGRES_RECOVERY: recovery }, database);
  link = await BreakableLink.to(installation.redisServer.url);
  [api, worker] = await Promise.all([
    installation.start("vote-api", { REDIS_URL: link.url(installation.redisServer.url) }),
    installation.start("vote-worker"),
    installation.start("sync-scheduler"),
  ]);
  await installation.createProjects(api, OLD);
  load = new VoteLoad([api], [...OLD, ...NEW]);
  const early = new VoteLoad([api], OLD).start();
  await early.more(200);
  await early.stop();
  for (const [who, standing] of early.standings) load.standings.set(who, standing);
  await settled(installation);
  await ownPostgres.stop();
  await ownPostgres.copy();
  await ownPostgres.restart();
}

/** What the copy does not have: new projects, votes of every kind, and some that went past Redis. */
async function voteOn(): Promise<void> {
  await waitFor("vote-api to have PostgreSQL", async () => (await statusz()).status === 200);
  await installation.createProjects(api, NEW);
  load.start();
  await load.more(300);
  await commitVotes();
  await link.cut();
  await load.moreDegraded(60);
  await link.restore();
  await load.more(100);
  await load.stop();
  await settled(installation);
}

/** Asked again where a busy machine took more than the five seconds that a caller is kept waiting. */
async function commitVotes(): Promise<void> {
  for (let i = 0; i < COMMITTED; i++) {
    const vote = { project_id: [...OLD, ...NEW][i % 12], vote_type: "up", durability: "committed" };
    const token = await testToken(`sure ${i}`);
    await waitFor("the vote to be committed", async () => {
      const { status, body } = await postJson(`${api.url}/api/votes`, token, vote);
      return status === 200 && body.data.state === undefined;
    });
  }
}

async function putBack(): Promise<void> {
  await ownPostgres.stop();
  await ownPostgres.restoreCopy();
  await ownPostgres.restart();
}

const statusz = async () => {
  const answer = await fetch(`${api.url}/statusz`);
  return { status: answer.status, text: await answer.text() };
};
/** What workers have written. A vote that was slow in Redis may go past it. */
const applied = async () => ({
  watermarks: await installation.query("SELECT shard, last_id FROM shard_progress ORDER BY shard"),
  events: await installation.query("SELECT count(*) FROM vote_events WHERE stream_id <> 'fallback'"),
});
const incidents = () =>
  installation.query<{ resolved_at: Date | null; details: { stream_complete?: boolean } }>(
    "SELECT resolved_at, details FROM store_incidents WHERE store = 'postgres'",
  );
const noticed = () =>
  waitFor("it to be noticed", async () => {
    const found = await incidents();
    return found.length > 0 && found.every(({ resolved_at }) => resolved_at !== null);
  }).catch(async (error: unknown) => {
    throw new Error(`${JSON.stringify(await incidents())}\n${worker.log}`, { cause: error });
  });

async function expectAllBroughtOver(): Promise<void> {
  await settled(installation);
  expect(await wrongRows(installation, load)).toEqual([]);
  expect(await installation.query("SELECT FROM votes WHERE user_id LIKE 'sure %' AND vote_type = 'up'")).toHaveLength(
    COMMITTED,
  );
  expect(await installation.query("SELECT FROM projects WHERE id LIKE 'new:%' AND owner_id = 'owner'")).toHaveLength(
    NEW.length,
  );
  await expectSameCounters(installation);
  await expectVerified(installation);
  await expectPointsSynced(installation);
}

test("noticed by name, and everything is brought over by itself while votes go on", async () => {
  await start("auto");
  await voteOn();
  await putBack();
  load.start();
  await noticed();
  await load.more(200);
  await load.stop();
  expect(worker.log).toContain("PostgreSQL went back in time");
  await waitFor("/statusz to say what happened", async () => {
    const { status, text } = await statusz();
    return status === 200 && text.includes("went_back") && text.includes("PostgreSQL");
  });
  await expectAllBroughtOver();
}, 240_000);

test("with POSTGRES_RECOVERY=manual nothing is applied before the command, votes go on, and health names it", async () => {
  await start("manual");
  await voteOn();
  await putBack();
  const stopped = await waitFor("the worker to say so", async () => {
    const answer = await fetch(`${worker.url}/readyz`);
    const text = await answer.text();
    return answer.status === 503 && text.includes("PostgreSQL went back in time") ? text : null;
  });
  expect(stopped).toContain("votesync votes recover-postgres");
  await waitFor("/statusz to name it", async () => {
    const { status, text } = await statusz();
    return status === 503 && text.includes("PostgreSQL went back in time");
  });
  const before = await applied();
  load.start();
  await load.more(200);
  await load.stop();
  const dryRun = await votesync(installation, "votes", "recover-postgres", "--dry-run", "--json");
  expect({ code: dryRun.code, stderr: dryRun.stderr }).toEqual({ code: 0, stderr: "" });
  const { dry_run, shards } = JSON.parse(dryRun.stdout) as {
    dry_run: boolean;
    shards: { entries: number; projects: string[] }[];
  };
  expect(dry_run).toBe(true);
  expect(shards.reduce((sum, { entries }) => sum + entries, 0)).toBeGreaterThan(300);
  expect(shards.flatMap(({ projects }) => projects).sort()).toEqual(NEW);
  expect(await applied()).toEqual(before);
  const done = await votesync(installation, "votes", "recover-postgres");
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: "" });
  expect(done.stdout).toContain("brought over");
  await expectAllBroughtOver();
  await waitFor("the worker to be ready", async () => (await fetch(`${worker.url}/readyz`)).status === 200);
  expect((await votesync(installation, "votes", "recover-postgres")).stdout).toContain("nothing to bring over");
}, 240_000);

test("with trimmed streams the votes of loaded projects are brought over, and nothing newer is destroyed", async () => {
  await start("auto");
  await voteOn();
  await ownPostgres.stop();
  for (const shard of installation.names.allShards())
    await installation.redis.xtrim(installation.names.events(shard), "MAXLEN", 2);
  await ownPostgres.restoreCopy();
  await ownPostgres.restart();
  await noticed();
  expect((await incidents()).map(({ details }) => details.stream_complete)).toContain(false);
  await expectAllBroughtOver();
  load.start();
  await load.more(200);
  await load.stop();
  await expectAllBroughtOver();
}, 240_000);
