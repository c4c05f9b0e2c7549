/**
 * Redis fails over to a replica that lagged: what the master had answered since is gone from Redis. What was answered as committed
 * stands all the same, and what was lost is never answered as committed, however far the watermark moves on.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BreakableLink, OwnRedis, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { Installation, postJson, untilTaken } from "./installation.js";
import { expectPointsSynced } from "./point-truth.js";
import { expectSameCounters, expectVerified, settled } from "./vote-load.js";

const PROJECTS = Array.from({ length: 6 }, (_, i) => `lagging:${i}`);
const VOTERS = 30;
const LOST = "lost:";

let master: OwnRedis;
let replica: OwnRedis;
/** Where the replica finds its master, and where everybody else finds Redis. */
let replication: BreakableLink;
let address: BreakableLink;
let installation: Installation;
let api: ServiceProcess;
let worker: ServiceProcess;

beforeEach(async () => {
  [master, replica] = await Promise.all([OwnRedis.start(), OwnRedis.start()]);
  [replication, address] = await Promise.all([BreakableLink.to(master.url), BreakableLink.to(master.url)]);
  installation = await Installation.create(
    { VOTE_RATE_MAX: "0", REDIS_URL: address.url(master.url) },
    undefined,
    master,
  );
  [api, worker] = await Promise.all([
    installation.start("vote-api"),
    installation.start("vote-worker"),
    installation.start("sync-scheduler"),
  ]);
  await installation.createProjects(api, PROJECTS);
  for (let i = 0; i < VOTERS; i++) expect((await vote(`early ${i}`, i, "up")).status).toBe(200);
  await settled(installation);
  await replica.replicate(replication.url(master.url));
});
afterEach(async () => {
  await installation.remove();
  await Promise.all([replication.cut(), address.cut()]);
  await replica.remove();
});

const vote = async (user: string, i: number, vote_type: string, durability = "accepted") => {
  const body = { project_id: PROJECTS[i % PROJECTS.length], vote_type, durability };
  const token = await testToken(user);
  return untilTaken(() => postJson(`${api.url}/api/votes`, token, body));
};

/** The master dies, and whoever looks for Redis finds the replica. */
async function failOver(): Promise<void> {
  await master.kill9();
  await replica.promote();
  await address.moveTo(replica.url);
}

const isCommitted = ({ status, body }: Awaited<ReturnType<typeof vote>>) =>
  status === 200 && body.data.state === undefined;
/** Asked again where a busy machine took more than the five seconds that a caller is kept waiting. */
const commit = (user: string, i: number) =>
  waitFor("the vote to be committed", async () => {
    const answer = await vote(user, i, "up", "committed");
    return isCommitted(answer) && answer;
  });
const rowsOf = async (prefix: string) => {
  const rows = await installation.query<{ user_id: string; vote_type: string }>(
    "SELECT user_id, vote_type FROM votes WHERE user_id LIKE $1 || '%' ORDER BY user_id",
    [prefix],
  );
  return Object.fromEntries(rows.map(({ user_id, vote_type }) => [user_id, vote_type]));
};
async function expectEverythingSettled(): Promise<void> {
  await settled(installation);
  await expectSameCounters(installation);
  await expectVerified(installation);
  await expectPointsSynced(installation);
}

test("what was applied before the failover stands in both stores, committed votes that changed nothing too", async () => {
  replication.freeze();
  for (let i = 0; i < VOTERS; i++) {
    const [again, accepted] = await Promise.all([
      commit(`early ${i}`, i),
      vote(`accepted ${i}`, i, "up"),
      commit(`sure ${i}`, i),
    ]);
    expect([again.body.data.action, accepted.status]).toEqual(["unchanged", 200]);
  }
  await settled(installation);
  await failOver();
  for (let i = 0; i < VOTERS; i++) await commit(`later ${i}`, i);
  await expectEverythingSettled();
  for (const who of ["sure", "early", "accepted", "later"]) {
    expect(new Set(Object.values(await rowsOf(`${who} `)))).toEqual(new Set(["up"]));
    expect(Object.keys(await rowsOf(`${who} `))).toHaveLength(VOTERS);
  }
  expect(api.log).toContain("Redis has lost this shard's data");
}, 240_000);

test("a committed vote whose event was lost is never answered 200, also where it changed nothing", async () => {
  replication.freeze();
  process.kill(worker.pid, "SIGSTOP");
  const lost = Array.from({ length: VOTERS }, (_, i) => `${LOST}${i}`);
  for (const [i, user] of lost.entries()) expect((await vote(user, i, "up")).status).toBe(200);
  // Waiting for their rows: half of them for a change, half of them for a wish that stands already.
  const answers = [
    ...lost.slice(0, 10).map((user, i) => vote(user, i, "up", "committed")),
    ...Array.from({ length: 10 }, (_, i) => vote(`${LOST}new ${i}`, i, "up", "committed")),
  ];
  await waitFor("all of them to be in Redis", async () => (await takenByMaster()) >= VOTERS + answers.length);
  await failOver();
  process.kill(worker.pid, "SIGCONT");
  for (let i = 0; i < VOTERS; i++) expect((await vote(`later ${i}`, i, "up")).status).toBe(200);
  await settled(installation);
  const told = await Promise.all(answers);
  expect(told.map(({ status, body }) => [status, body.data.state])).toEqual(answers.map(() => [202, "pending"]));
  expect(await rowsOf(LOST)).toEqual({});
  // Who asks again gets what was promised.
  for (const [i, user] of lost.entries()) await commit(user, i);
  await expectEverythingSettled();
  expect(Object.keys(await rowsOf(LOST))).toHaveLength(VOTERS);
}, 240_000);

/** Events of lost voters that the master has. */
async function takenByMaster(): Promise<number> {
  const { redis, names } = installation;
  const streams = await Promise.all(names.allShards().map((shard) => redis.xrange(names.events(shard), "-", "+")));
  return streams.flat().filter(([, fields]) => fields[1]?.includes(`\n${LOST}`)).length;
}
