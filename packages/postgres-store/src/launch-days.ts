/** Launch days from their end to their result: what of it PostgreSQL decides. */
import type pg from "pg";
import { inTransaction } from "./transaction.js";

/** `votesync`: the rows of `votes`. `external`: told by another voting API. */
export type VoteSourceName = "votesync" | "external";

export interface LaunchDay {
  date: string;
  apps: number;
  /** When the last of its launches closes; `null` when there are none. */
  closesAt: Date | null;
  /** From here on it takes no new app. */
  closedAt: Date | null;
  snapshotAt: Date | null;
  source: VoteSourceName | null;
  /** When the source said so. */
  countedAt: Date | null;
  totalVotes: number;
  seal: string | null;
  /** Its results stand, complete and sealed: whoever asks is shown them. */
  isFinal: boolean;
  /** When nothing was left to be done about it: those who watch have been told, too. */
  finalizedAt: Date | null;
}

interface LaunchDayRow {
  date: string;
  apps: number;
  closes_at: Date | null;
  closed_at: Date | null;
  snapshot_at: Date | null;
  source: VoteSourceName | null;
  counted_at: Date | null;
  total_votes: number;
  seal: string | null;
  finalized_at: Date | null;
}

const READ_DAYS = `
  SELECT d.launch_date::text AS date, count(l.project_id) AS apps, max(l.closes_at) AS closes_at, d.closed_at,
         d.snapshot_at, d.source, d.counted_at, coalesce(sum(l.votes), 0)::bigint AS total_votes, d.seal, d.finalized_at
    FROM launch_days d LEFT JOIN launches l USING (launch_date)`;

const toDay = (row: LaunchDayRow): LaunchDay => ({
  date: row.date,
  apps: row.apps,
  closesAt: row.closes_at,
  closedAt: row.closed_at,
  snapshotAt: row.snapshot_at,
  source: row.source,
  countedAt: row.counted_at,
  totalVotes: row.total_votes,
  seal: row.seal,
  isFinal: row.seal !== null || row.finalized_at !== null,
  finalizedAt: row.finalized_at,
});

/** @returns `null` when nothing was ever launched on it */
export async function readLaunchDayRow(pool: pg.Pool, date: string): Promise<LaunchDay | null> {
  const { rows } = await pool.query<LaunchDayRow>(`${READ_DAYS} WHERE d.launch_date = $1 GROUP BY d.launch_date`, [
    date,
  ]);
  return rows[0] === undefined ? null : toDay(rows[0]);
}

/** Days with apps about which something is left to be done, oldest first, in pages: one that is stuck is in no later one's way. */
export async function* openDayPages(pool: pg.Pool, pageSize: number): AsyncGenerator<LaunchDay[]> {
  for (let afterDate = "-infinity"; ; ) {
    const { rows } = await pool.query<LaunchDayRow>(
      `${READ_DAYS} WHERE d.finalized_at IS NULL AND d.launch_date > $1
        GROUP BY d.launch_date HAVING count(l.project_id) > 0 ORDER BY d.launch_date LIMIT $2`,
      [afterDate, pageSize],
    );
    if (rows.length > 0) yield rows.map(toDay);
    if (rows.length < pageSize) return;
    afterDate = (rows.at(-1) as LaunchDayRow).date;
  }
}

/** From here on the day takes no new app, and its apps are known. Waits for registrations under way. */
export async function closeLaunchDay(pool: pg.Pool, date: string): Promise<void> {
  await pool.query("UPDATE launch_days SET closed_at = now() WHERE launch_date = $1 AND closed_at IS NULL", [date]);
}

/** Launches whose result is not certain yet. */
export interface Unsettled {
  /** Their last instant is not applied in PostgreSQL. */
  open: string[];
  /** Votes of them are parked, or went past Redis and are not recovered. */
  waiting: string[];
}

const FIND_UNSETTLED = `
  SELECT l.project_id,
         NOT EXISTS (SELECT FROM project_periods pp WHERE pp.project_id = l.project_id AND pp.ended_at = l.closes_at)
           AS is_open,
         EXISTS (SELECT FROM parked_events WHERE project_id = l.project_id)
           OR EXISTS (SELECT FROM outbox WHERE project_id = l.project_id AND recovered_at IS NULL) AS is_waiting
    FROM launches l
   WHERE l.launch_date = $1`;

export async function findUnsettledLaunches(pool: pg.Pool, date: string): Promise<Unsettled> {
  const { rows } = await pool.query<{ project_id: string; is_open: boolean; is_waiting: boolean }>(
    `SELECT * FROM (${FIND_UNSETTLED}) u WHERE is_open OR is_waiting ORDER BY project_id`,
    [date],
  );
  return {
    open: rows.filter((row) => row.is_open).map((row) => row.project_id),
    waiting: rows.filter((row) => row.is_waiting).map((row) => row.project_id),
  };
}

/** The rows of the period that ended when the launch closed, counted one by one; the counters are held against them. */
const COUNT_ROWS = `
  UPDATE launches l
     SET votes = counted.votes, reached_at = 'epoch'::timestamptz + counted.version * interval '1 microsecond',
         period = counted.period
    FROM (SELECT l.project_id, pp.period, count(v.user_id) FILTER (WHERE v.vote_type = 'up') AS votes,
                 max(v.version) AS version
            FROM launches l
            JOIN project_periods pp ON pp.project_id = l.project_id AND pp.ended_at = l.closes_at
            LEFT JOIN votes v ON v.project_id = l.project_id AND v.period = pp.period
           WHERE l.launch_date = $1 AND l.votes IS NULL
           GROUP BY l.project_id, pp.period) counted
   WHERE l.launch_date = $1 AND l.project_id = counted.project_id`;

/** Without a period: whatever was voted here is no part of such a result. */
const TAKE_GIVEN = `
  UPDATE launches l
     SET votes = given.votes
    FROM unnest($2::text[], $3::bigint[]) AS given (project_id, votes)
   WHERE l.launch_date = $1 AND l.project_id = given.project_id AND l.votes IS NULL`;

export class SnapshotIncompleteError extends Error {
  override readonly name = "SnapshotIncompleteError";
  constructor(readonly missing: number) {
    super(`${missing} apps have no result: none is taken for zero votes`);
  }
}

/**
 * Takes the results of a day, once: all of them in one transaction, and whoever comes later changes nothing.
 * @param given app id → votes, as another voting API told at `countedAt`; left out, the rows are counted
 * @throws {SnapshotIncompleteError} when a launch is not over in PostgreSQL, or the other API did not name it; nothing was
 *   written
 */
export async function takeSnapshot(
  pool: pg.Pool,
  o: { date: string; countedAt: Date; given?: ReadonlyMap<string, number> | undefined },
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE launch_days SET snapshot_at = now(), source = $2, counted_at = $3
        WHERE launch_date = $1 AND snapshot_at IS NULL AND closed_at IS NOT NULL`,
      [o.date, o.given === undefined ? "votesync" : "external", o.countedAt],
    );
    if (rowCount === 0) return;
    if (o.given === undefined) await client.query(COUNT_ROWS, [o.date]);
    else await client.query(TAKE_GIVEN, [o.date, [...o.given.keys()], [...o.given.values()]]);
    const { rows } = await client.query<{ missing: number }>(
      "SELECT count(*) AS missing FROM launches WHERE launch_date = $1 AND votes IS NULL",
      [o.date],
    );
    const missing = rows[0]?.missing ?? 0;
    if (missing > 0) throw new SnapshotIncompleteError(missing);
  });
}

/** A launch of which the result is not what its counters, or those Redis had at the instant, say. */
export interface LaunchDifference {
  projectId: string;
  votes: number;
  /** In `project_periods`. */
  counter: number;
  /** What Redis counted at the instant; `null` when it was not there then. */
  closed: number | null;
  /** Rows of the period now. */
  rows: number;
}

/** Only of days that were counted from rows: the others' launches have no period. */
export async function findLaunchDifferences(pool: pg.Pool, date: string): Promise<LaunchDifference[]> {
  const { rows } = await pool.query<{
    project_id: string;
    votes: number;
    counter: number;
    closed: number | null;
    rows: number;
  }>(
    `SELECT * FROM (
       SELECT l.project_id, l.votes, pp.upvotes AS counter, pp.closed_upvotes AS closed,
              (SELECT count(*) FROM votes v
                WHERE v.project_id = l.project_id AND v.period = l.period AND v.vote_type = 'up') AS rows
         FROM launches l JOIN project_periods pp ON pp.project_id = l.project_id AND pp.period = l.period
        WHERE l.launch_date = $1 AND l.votes IS NOT NULL) d
      WHERE votes <> counter OR votes <> rows OR votes <> closed
      ORDER BY project_id`,
    [date],
  );
  return rows.map(({ project_id, ...difference }) => ({ projectId: project_id, ...difference }));
}

/** An earlier seal is never replaced. */
export async function sealLaunchDay(pool: pg.Pool, o: { date: string; seal: string }): Promise<void> {
  await pool.query("UPDATE launch_days SET seal = coalesce(seal, $2) WHERE launch_date = $1", [o.date, o.seal]);
}

/** Everything of it is where it belongs. */
export async function markDayFinalized(pool: pg.Pool, date: string): Promise<void> {
  await pool.query("UPDATE launch_days SET finalized_at = now() WHERE launch_date = $1 AND finalized_at IS NULL", [
    date,
  ]);
}

/** Periods whose votes Redis need not keep: the launch's, if it has ended here, wherever it was counted; and those before it. */
export async function readEndedPeriods(
  pool: pg.Pool,
  projectIds: readonly string[],
  date: string,
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ project_id: string; period: number }>(
    `SELECT l.project_id, pp.period
       FROM launches l JOIN project_periods pp ON pp.project_id = l.project_id AND pp.ended_at = l.closes_at
      WHERE l.launch_date = $1 AND l.project_id = ANY($2)`,
    [date, projectIds],
  );
  return new Map(rows.map((row) => [row.project_id, row.period]));
}

/** Projects of which an instant has passed that nobody has ended here yet. */
export async function findDueProjects(pool: pg.Pool, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `(SELECT id FROM projects WHERE opens_at <= clock_timestamp() ORDER BY opens_at LIMIT $1)
      UNION
     (SELECT id FROM projects WHERE closes_at <= clock_timestamp() ORDER BY closes_at LIMIT $1)`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
