/**
 * Redis is copied, voted on and put back to the older copy. The rows have everything: counters, own votes and points become exact
 * again, and no sync brings the older points to PostgreSQL meanwhile.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import { getJson, Installation } from "./installation.js";
import { expectPoints, expectPointsSynced, syncedPoints } from "./point-truth.js";
import { expectEveryAnswerKept, expectSameCounters, expectVerified, settled, VoteLoad } from "./vote-load.js";

const PROJECTS = Array.from({ length: 8 }, (_, i) => `put-back:${i}`);
/** What a sync does to the points of a user that it must not do here. */
const WATCH_ENTRIES = `
  CREATE TABLE lowered (user_id text, before bigint, after bigint);
  CREATE FUNCTION note_lowered() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' THEN INSERT INTO lowered VALUES (OLD.user_id, OLD.points, NULL);
    ELSIF NEW.points < OLD.points THEN INSERT INTO lowered VALUES (OLD.user_id, OLD.points, NEW.points);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER note_lowered AFTER UPDATE OR DELETE ON leaderboard_entries FOR EACH ROW EXECUTE FUNCTION note_lowered()`;

let installation: Installation;
let api: ServiceProcess;
let load: VoteLoad;

beforeEach(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0", LEADERBOARD_SYNC_CRON: "* * * * *" });
  [api] = await Promise.all([
    installation.start("vote-api"),
    installation.start("vote-worker"),
    installation.start("sync-scheduler"),
  ]);
  await installation.createProjects(api, PROJECTS);
  load = new VoteLoad([api], PROJECTS).start();
  await load.more(300);
  await load.stop();
  await settled(installation);
  await expectPointsSynced(installation);
});
afterEach(async () => {
  await load.stop();
  await installation.remove();
});

async function voteSinceTheCopy(): Promise<void> {
  await installation.redisServer.kill9();
  await installation.redisServer.copy();
  await installation.redisServer.restart();
  load.start();
  await load.more(500);
  await load.stop();
  await settled(installation);
}

async function putBack(): Promise<void> {
  await installation.redisServer.kill9();
  await installation.redisServer.restoreCopy();
  await installation.redisServer.restart();
}

const ownVotes = async (user: string) => {
  const { body } = await getJson(`${api.url}/api/votes/user?limit=100`, await testToken(user));
  return (body.data as unknown as { votes: Record<string, string> }).votes;
};

test("counters, own votes and points are exact again, and no sync lowered a point in between", async () => {
  await voteSinceTheCopy();
  await expectPointsSynced(installation);
  const before = { own: await ownVotes("voter 3/1"), points: await syncedPoints(installation) };
  await installation.postgres.query(WATCH_ENTRIES);
  await putBack();
  // Whoever asks for a sync at once is refused, or gets one that is right.
  await waitFor("a sync", async () => (await votesync(installation, "sync", "run", "--full")).code === 0, 60_000);
  await expectPointsSynced(installation);
  expect(await installation.query("SELECT * FROM lowered")).toEqual([]);
  expect(await syncedPoints(installation)).toEqual(before.points);
  await settled(installation);
  await expectEveryAnswerKept(installation, load);
  await expectSameCounters(installation);
  await expectVerified(installation);
  expect(await ownVotes("voter 3/1")).toEqual(before.own);
  expect(api.log).toContain("Redis has lost this shard's data");
}, 240_000);

test("votes that go on meanwhile give each owner each point once", async () => {
  await voteSinceTheCopy();
  await putBack();
  load.start();
  await load.more(300);
  await load.stop();
  await settled(installation);
  await expectEveryAnswerKept(installation, load);
  await expectSameCounters(installation);
  await expectPoints(installation);
  await expectPointsSynced(installation);
  await expectVerified(installation);
}, 240_000);
