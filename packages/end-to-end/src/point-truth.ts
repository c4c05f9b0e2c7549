/** Points as they must be: one for each up-vote that stands, and those given by hand, in Redis and after a sync in PostgreSQL. */
import { expect } from "@jest/globals";
import { waitFor } from "@votesync/testkit";
import { votesync } from "./command-line.js";
import type { Installation } from "./installation.js";

const STANDING = `
  SELECT user_id, sum(points)::int AS points
    FROM (SELECT p.owner_id AS user_id, count(*) AS points FROM votes v JOIN projects p ON p.id = v.project_id
           WHERE v.vote_type = 'up' GROUP BY p.owner_id
           UNION ALL
          SELECT user_id, points FROM score_events) given
   GROUP BY user_id ORDER BY user_id`;
const ENTRIES =
  "SELECT user_id, points::int AS points FROM leaderboard_entries WHERE period = 'yearly' AND points <> 0 ORDER BY user_id";

type Points = Record<string, number>;

const read = async (installation: Installation, sql: string): Promise<Points> => {
  const rows = await installation.query<{ user_id: string; points: number }>(sql);
  return Object.fromEntries(rows.map(({ user_id, points }) => [user_id, points]));
};

export const standingPoints = (installation: Installation) => read(installation, STANDING);
export const syncedPoints = (installation: Installation) => read(installation, ENTRIES);

/** Of this year, as Redis has them. */
export async function pointsInRedis({ redis }: Installation): Promise<Points> {
  const boards = await redis.smembers("vs:{boards}:names");
  const points: [string, number][] = [];
  for (const board of boards.filter((name) => name.startsWith("yearly:"))) {
    const flat = await redis.zrange(`vs:{boards}:points:${board}`, "0", "-1", "WITHSCORES");
    for (let i = 0; i < flat.length; i += 2) points.push([flat[i] as string, Number(flat[i + 1])]);
  }
  return Object.fromEntries(points.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Waits for points that are on their way. Nobody may vote meanwhile. */
export async function expectPoints(installation: Installation): Promise<void> {
  const standing = await standingPoints(installation);
  let found: Points = {};
  const same = async () => {
    found = await pointsInRedis(installation);
    return JSON.stringify(found) === JSON.stringify(standing);
  };
  await waitFor("points to be the votes that stand", same).catch(() => expect(found).toEqual(standing));
}

/** Waits for a sync that is not refused, and for its rows. */
export async function expectPointsSynced(installation: Installation): Promise<void> {
  await expectPoints(installation);
  await waitFor("a sync", async () => (await votesync(installation, "sync", "run")).code === 0, 60_000);
  expect(await syncedPoints(installation)).toEqual(await standingPoints(installation));
}
