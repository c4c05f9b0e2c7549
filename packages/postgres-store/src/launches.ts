/**
 * Launches and their days, where they belong together with the project: an app takes part in a day because its row here was
 * committed, with the project's instants, while the day still took apps.
 */
import type pg from "pg";
import { requestReload } from "./pending-reloads.js";
import { lockCurrentPeriod } from "./project-periods.js";
import { inTransaction } from "./transaction.js";

export interface Launch {
  date: string;
  projectId: string;
  name: string;
  ownerId: string;
  opensAt: Date;
  closesAt: Date;
  createdAt: Date;
  /** The result; `null` until the day's snapshot. */
  votes: number | null;
  reachedAt: Date | null;
}

export interface NewLaunch {
  date: string;
  shard: number;
  projectId: string;
  name: string;
  ownerId: string;
  opensAt: Date;
  closesAt: Date;
  /** An admin may launch anybody's project, for its owner. */
  anyOwner: boolean;
}

/**
 * `launched`: it takes part already, as asked for. `other-owner`: the id belongs to somebody else. `taken`: the project
 * takes part in this day in another way. `pending`: it has a launch that is not over. `overlaps`: its last launch ended
 * after this one would begin.
 */
export type LaunchOutcome =
  | { kind: "registered"; launch: Launch }
  | { kind: "launched"; launch: Launch }
  | { kind: "final-day" | "other-owner" | "taken" | "pending" | "overlaps" };

const COLUMNS = `launch_date::text AS date, project_id, name, owner_id, opens_at, closes_at, created_at, votes, reached_at`;

interface LaunchRow {
  date: string;
  project_id: string;
  name: string;
  owner_id: string;
  opens_at: Date;
  closes_at: Date;
  created_at: Date;
  votes: number | null;
  reached_at: Date | null;
}

const toLaunch = (row: LaunchRow): Launch => ({
  date: row.date,
  projectId: row.project_id,
  name: row.name,
  ownerId: row.owner_id,
  opensAt: row.opens_at,
  closesAt: row.closes_at,
  createdAt: row.created_at,
  votes: row.votes,
  reachedAt: row.reached_at,
});

/**
 * Makes a project take part in a day; the project is made when there is none. Redis must read it anew afterwards, which is
 * left behind as a row until somebody did.
 */
export async function registerLaunch(pool: pg.Pool, launch: NewLaunch): Promise<LaunchOutcome> {
  return inTransaction(pool, async (client) => {
    if (!(await isDayOpen(client, launch.date))) return { kind: "final-day" };
    // In the order in which whoever writes votes locks them.
    await client.query("SELECT FROM shard_progress WHERE shard = $1 FOR UPDATE", [launch.shard]);
    const refused = await refusal(client, launch);
    if (refused !== null) return refused;
    const { now, opensAt } = await openingOf(client, launch);
    await writeProject(client, { ...launch, opensAt });
    const { rows } = await client.query<LaunchRow>(
      `INSERT INTO launches (launch_date, project_id, name, owner_id, opens_at, closes_at, created_at)
       SELECT $1, id, $3, owner_id, $4, $5, $6 FROM projects WHERE id = $2
       RETURNING ${COLUMNS}`,
      [launch.date, launch.projectId, launch.name, opensAt, launch.closesAt, now],
    );
    await requestReload(client, launch);
    return { kind: "registered", launch: toLaunch(rows[0] as LaunchRow) };
  });
}

/** Locks the day against its end until this transaction is over. */
async function isDayOpen(client: pg.PoolClient, date: string): Promise<boolean> {
  await client.query("INSERT INTO launch_days (launch_date) VALUES ($1) ON CONFLICT DO NOTHING", [date]);
  const { rowCount } = await client.query(
    "SELECT FROM launch_days WHERE launch_date = $1 AND closed_at IS NULL FOR SHARE",
    [date],
  );
  return rowCount === 1;
}

interface ProjectRow {
  owner_id: string;
  is_pending: boolean;
  last_ended_at: Date | null;
}

async function refusal(client: pg.PoolClient, launch: NewLaunch): Promise<LaunchOutcome | null> {
  // Ends what is due first: a launch that is over is not in the way.
  if ((await lockCurrentPeriod(client, launch.projectId, null)) === null) return null;
  const { rows } = await client.query<ProjectRow>(
    `SELECT owner_id, opens_at IS NOT NULL OR closes_at IS NOT NULL AS is_pending,
            (SELECT max(ended_at) FROM project_periods WHERE project_id = id) AS last_ended_at
       FROM projects WHERE id = $1`,
    [launch.projectId],
  );
  const project = rows[0] as ProjectRow;
  if (!launch.anyOwner && project.owner_id !== launch.ownerId) return { kind: "other-owner" };
  const earlier = await findLaunch(client, launch);
  if (earlier !== null) {
    const isSame = +earlier.closesAt === +launch.closesAt && earlier.name === launch.name;
    return isSame && [+launch.opensAt, +earlier.createdAt].includes(+earlier.opensAt)
      ? { kind: "launched", launch: earlier }
      : { kind: "taken" };
  }
  if (project.is_pending) return { kind: "pending" };
  return project.last_ended_at !== null && project.last_ended_at > launch.opensAt ? { kind: "overlaps" } : null;
}

/** Whether the project's current period began at the very instant this launch opens, where its last launch closed. */
const BEGAN_THEN = `EXISTS (SELECT FROM project_periods pp
                             WHERE pp.project_id = p.id AND pp.ended_at = $2 AND pp.period = p.period - 1)`;

/**
 * What was voted on a project before it took part is no vote for this launch: down votes were allowed, say, and nobody was
 * told that it is a launch. So one that is launched while its day is open already opens now, and not at an instant that would
 * promise those votes. A day that is over altogether keeps its instants, for the record.
 */
async function openingOf(client: pg.PoolClient, launch: NewLaunch): Promise<{ now: Date; opensAt: Date }> {
  const { rows } = await client.query<{ now: Date; is_running: boolean }>(
    `SELECT date_trunc('milliseconds', clock_timestamp()) AS now,
            EXISTS (SELECT FROM projects p WHERE p.id = $1 AND NOT ${BEGAN_THEN}) AS is_running`,
    [launch.projectId, launch.opensAt],
  );
  const { now, is_running: isRunning } = rows[0] as { now: Date; is_running: boolean };
  const opensNow = isRunning && launch.opensAt < now && now < launch.closesAt;
  return { now, opensAt: opensNow ? now : launch.opensAt };
}

/** The period before a launch ends when it opens; where it began at that very instant, it is this launch's. */
async function writeProject(client: pg.PoolClient, launch: NewLaunch): Promise<void> {
  await client.query(
    `INSERT INTO projects AS p (id, title, owner_id, opens_at, closes_at, up_only) VALUES ($1, $3, $4, $2, $5, true)
     ON CONFLICT (id) DO UPDATE
       SET title = excluded.title, closes_at = excluded.closes_at, up_only = true,
           opens_at = CASE WHEN ${BEGAN_THEN} THEN NULL ELSE excluded.opens_at END`,
    [launch.projectId, launch.opensAt, launch.name, launch.ownerId, launch.closesAt],
  );
}

async function findLaunch(client: pg.PoolClient, launch: { date: string; projectId: string }): Promise<Launch | null> {
  const { rows } = await client.query<LaunchRow>(
    `SELECT ${COLUMNS} FROM launches WHERE launch_date = $1 AND project_id = $2`,
    [launch.date, launch.projectId],
  );
  return rows[0] === undefined ? null : toLaunch(rows[0]);
}

/** The day's launches in the order of their ids, a page after `afterId`. */
export async function listLaunches(
  pool: pg.Pool,
  o: { date: string; afterId: string; limit: number },
): Promise<Launch[]> {
  const { rows } = await pool.query<LaunchRow>(
    `SELECT ${COLUMNS} FROM launches WHERE launch_date = $1 AND project_id > $2 ORDER BY project_id LIMIT $3`,
    [o.date, o.afterId, o.limit],
  );
  return rows.map(toLaunch);
}

/** All launches of a day, in pages. */
export async function* launchPages(pool: pg.Pool, date: string, pageSize: number): AsyncGenerator<Launch[]> {
  for (let afterId = ""; ; ) {
    const page = await listLaunches(pool, { date, afterId, limit: pageSize });
    if (page.length > 0) yield page;
    if (page.length < pageSize) return;
    afterId = (page.at(-1) as Launch).projectId;
  }
}

/** A launch beside what PostgreSQL knows of its votes. */
export interface LaunchCounts extends Launch {
  project: { upvotes: number; version: number; opensAt: Date | null; closesAt: Date | null };
  /** Of the period that ended when the launch closed; `null` when it has not ended here. */
  endedVotes: number | null;
}

interface LaunchCountsRow extends LaunchRow {
  project_upvotes: number;
  project_version: number;
  project_opens_at: Date | null;
  project_closes_at: Date | null;
  ended_votes: number | null;
}

/** Launches of a day in the order of their ids, in one snapshot. */
export async function readLaunchCounts(
  pool: pg.Pool,
  { date, limit }: { date: string; limit: number },
): Promise<LaunchCounts[]> {
  const { rows } = await pool.query<LaunchCountsRow>(
    `SELECT l.launch_date::text AS date, l.project_id, l.name, l.owner_id, l.opens_at, l.closes_at, l.created_at, l.votes,
            l.reached_at, p.upvotes AS project_upvotes, p.version AS project_version, p.opens_at AS project_opens_at,
            p.closes_at AS project_closes_at, pp.upvotes AS ended_votes
       FROM launches l
       JOIN projects p ON p.id = l.project_id
       LEFT JOIN project_periods pp ON pp.project_id = l.project_id AND pp.ended_at = l.closes_at
      WHERE l.launch_date = $1
      ORDER BY l.project_id
      LIMIT $2`,
    [date, limit],
  );
  return rows.map((row) => ({
    ...toLaunch(row),
    project: {
      upvotes: row.project_upvotes,
      version: row.project_version,
      opensAt: row.project_opens_at,
      closesAt: row.project_closes_at,
    },
    endedVotes: row.ended_votes,
  }));
}
