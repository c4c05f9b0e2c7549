/** Votes are answered, and nobody makes rows of them: `votes verify` says so, though both stores agree at the watermark. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import { Installation, postVote } from "./installation.js";
import { settled } from "./vote-load.js";

const PROJECT = "unapplied";
const VOTERS = ["ann", "bob", "cem"];

let installation: Installation;
let api: ServiceProcess;
beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  api = await installation.start("vote-api");
  await installation.createProjects(api, [PROJECT]);
});
afterAll(() => installation.remove());

async function votesCast(vote_type: string): Promise<void> {
  for (const user of VOTERS) await postVote(api, await testToken(user), { project_id: PROJECT, vote_type });
}

const verify = (...args: string[]) => votesync(installation, "votes", "verify", "--timeout", "1", ...args);

test("no worker runs: the shard is named, with how much waits and since when", async () => {
  await votesCast("up");
  const { code, stdout } = await verify("--json");
  const shard = installation.names.shardOf(PROJECT);
  expect({ code, report: JSON.parse(stdout) as object }).toMatchObject({
    code: 1,
    report: { ok: false, counters: [], totals: { unapplied: 1 }, unapplied: [{ shard, entries: VOTERS.length }] },
  });
  const text = await verify();
  expect(text.code).toBe(1);
  expect(text.stdout).toMatch(
    new RegExp(`shard ${shard}: 3 entries wait since [\\d-]+ [\\d:]+ UTC, and none was applied for 1 s`),
  );
  expect(text.stderr).toMatch(/memory at most \d+ MB/);
});

test("a worker applies them: nothing is wrong any more", async () => {
  await installation.start("vote-worker");
  await settled(installation);
  expect(await verify("--json")).toMatchObject({ code: 0 });
});

test("a watermark that was put back is read on from, though no new event comes", async () => {
  const before = await installation.query<{ shard: number; last_id: string }>(
    "SELECT shard, last_id FROM shard_progress",
  );
  await votesCast("down");
  await settled(installation);
  for (const { shard, last_id } of before) {
    await installation.query("UPDATE shard_progress SET last_id = $2 WHERE shard = $1", [shard, last_id]);
  }
  await settled(installation);
  const { code, stdout } = await verify("--json");
  expect({ code, report: JSON.parse(stdout) as object }).toMatchObject({ code: 0, report: { unapplied: [] } });
});
