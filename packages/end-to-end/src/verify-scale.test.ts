/** `votes verify` on many projects: its memory does not grow with them, and it still finds the one that is wrong. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { insertVotedProjects } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import { Installation } from "./installation.js";

const PROJECTS = 50_000;
const TENTH = PROJECTS / 10;
const VOTES_EACH = 6;
const VOTES = PROJECTS * VOTES_EACH;
/** More than fit on the stack as arguments of one call. */
const STRAY_VOTES = 200_000;
const LOADED = 500;
/** What is left uncollected differs from run to run. A list of all votes, or of all that is wrong, would need more. */
const MARGIN_MB = 40;
const VICTIM = "many-33333";
const VOTER = "user-33332";

let installation: Installation;
let tenthMb: number;

/** All of it is made with a tenth first, so that both sizes are verified in one installation. */
beforeAll(async () => {
  installation = await Installation.create();
  await insertVotedProjects(installation.postgres, { from: 1, to: TENTH, votesEach: VOTES_EACH });
  await loadProjects();
  const { code, stderr, report } = await verified();
  expect({ code, stderr, report }).toMatchObject({
    code: 0,
    stderr: "",
    report: { ok: true, verdict: "same", projects: TENTH, rows: TENTH * VOTES_EACH },
  });
  tenthMb = report.peak_rss_mb;
  await insertVotedProjects(installation.postgres, { from: TENTH + 1, to: PROJECTS, votesEach: VOTES_EACH });
}, 480_000);
afterAll(() => installation.remove());

async function verified(): Promise<{ code: number; stderr: string; report: { peak_rss_mb: number } }> {
  const { code, stdout, stderr } = await votesync(installation, "votes", "verify", "--json", "--timeout", "0");
  return { code, stderr, report: JSON.parse(stdout) as { peak_rss_mb: number } };
}

/** The first projects are in Redis, as if somebody had voted on them. */
async function loadProjects(): Promise<void> {
  const projects = Array.from({ length: LOADED }, (_, i) => ["--project", `many-${i + 1}`]);
  const { stdout } = await votesync(installation, "votes", "rebuild-cache", "--json", ...projects.flat());
  expect(stdout).toBe(`{"rebuilt":${LOADED}}\n`);
  await Promise.all(installation.names.allShards().map(moveWatermark));
}

/** Each load is an entry for watchers. No worker runs here that moves the watermark over it, and no vote-api that marks shards. */
async function moveWatermark(shard: number): Promise<void> {
  const { redis, names } = installation;
  const [progress] = await installation.query<{ epoch: string }>("SELECT epoch FROM shard_progress WHERE shard = $1", [
    shard,
  ]);
  await redis.set(names.epoch(shard), progress?.epoch ?? "");
  const [last] = await redis.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
  if (last === undefined) return;
  await installation.query("UPDATE shard_progress SET last_id = $2 WHERE shard = $1", [shard, last[0]]);
}

test("ten times as many projects are verified in the same memory", async () => {
  const { code, report } = await verified();
  expect({ code, report }).toMatchObject({ code: 0, report: { verdict: "same", projects: PROJECTS, rows: VOTES } });
  expect(report.peak_rss_mb).toBeLessThan(tenthMb + MARGIN_MB);
});

const OF_VOTER = `WHERE project_id = '${VICTIM}' AND user_id = '${VOTER}'`;

test("one wrong counter, one wrong row and one missing event are found among them", async () => {
  await installation.query("UPDATE projects SET upvotes = upvotes + 1 WHERE id = 'many-7'");
  await installation.query(`UPDATE votes SET vote_type = 'none' ${OF_VOTER}`);
  await installation.query(`UPDATE projects SET upvotes = upvotes - 1 WHERE id = '${VICTIM}'`);
  await installation.query("DELETE FROM vote_events WHERE project_id = 'many-44444' AND vote_type = 'down'");
  const { code, report } = await verified();
  expect({ code, report }).toMatchObject({
    code: 1,
    report: { ok: false, verdict: "different", totals: { counters: 1, replay: 3, voters: 0, told: 0, waiting: 0 } },
  });
  expect(report).toMatchObject({
    counters: [{ projectId: "many-7", drift: ["postgres"] }],
    replay: expect.arrayContaining([{ projectId: VICTIM, period: 0, userId: VOTER, row: "none", event: "up" }]),
  });
});

test("when nearly everything is wrong, all of it is counted in the same memory", async () => {
  await installation.query("DELETE FROM vote_events WHERE project_id <> 'many-1'");
  await installation.query(
    `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
     SELECT '${VICTIM}', 0, 'stray-' || n, 'up', n, now() FROM generate_series(1, ${STRAY_VOTES}) n`,
  );
  const { code, report } = await verified();
  const replay = VOTES - VOTES_EACH + STRAY_VOTES;
  expect({ code, report }).toMatchObject({ code: 1, report: { totals: { replay, counters: 2, voters: 0 } } });
  expect(report).toMatchObject({ replay: { length: 100 } });
  expect(report.peak_rss_mb).toBeLessThan(tenthMb + MARGIN_MB);
});
