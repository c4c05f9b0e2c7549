/**
 * Monthly partitions of `vote_events`: old months can be dropped at once, and queries by time read few of them. What no month
 * takes goes to the default partition, so a missing one never stops a vote; making it later moves those events into it.
 */
import pg from "pg";
import { inTransaction } from "./transaction.js";

const MONTHS_AHEAD = 2;
const DAY_MS = 86_400_000;
const DEFAULT_ROWS_PER_DELETE = 10_000;

/** SQLSTATE: a row of the default partition belongs into the new one. */
const CHECK_VIOLATION = "23514";

/** Makes the partitions of the month of `now` (UTC) and the next two, where missing. */
export async function ensureEventPartitions(pool: pg.Pool, now: Date): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    const month = { from: firstOfMonth(now, ahead), to: firstOfMonth(now, ahead + 1) };
    try {
      await pool.query(
        `CREATE TABLE IF NOT EXISTS ${partitionName(month.from)} PARTITION OF vote_events
         FOR VALUES FROM ('${month.from} 00:00:00+00') TO ('${month.to} 00:00:00+00')`,
      );
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== CHECK_VIOLATION) throw error;
      await moveOutOfDefault(pool, month);
    }
  }
}

async function moveOutOfDefault(pool: pg.Pool, { from, to }: { from: string; to: string }): Promise<void> {
  const name = partitionName(from);
  const span = `FROM ('${from} 00:00:00+00') TO ('${to} 00:00:00+00')`;
  await inTransaction(pool, async (client) => {
    await client.query(`CREATE TABLE ${name} (LIKE vote_events INCLUDING ALL)`);
    await client.query(
      `WITH moved AS (DELETE FROM vote_events_default WHERE accepted_at >= $1 AND accepted_at < $2 RETURNING *)
       INSERT INTO ${name} SELECT * FROM moved`,
      [`${from} 00:00:00+00`, `${to} 00:00:00+00`],
    );
    await client.query(`ALTER TABLE vote_events ATTACH PARTITION ${name} FOR VALUES ${span}`);
  });
}

/**
 * Drops whole months that ended more than `retentionDays` ago.
 * @returns the names of the partitions that are gone
 */
export async function dropOldEvents(pool: pg.Pool, now: Date, retentionDays: number): Promise<string[]> {
  const before = new Date(now.getTime() - retentionDays * DAY_MS);
  const { rows } = await pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'vote_events'::regclass AND c.relname ~ '^vote_events_\\d{4}_\\d{2}$'`,
  );
  const old = rows.map(({ name }) => name).filter((name) => endOfMonth(name) <= before);
  for (const name of old) {
    await inTransaction(pool, async (client) => {
      await client.query(`ALTER TABLE vote_events DETACH PARTITION ${name}`);
      await client.query(`DROP TABLE ${name}`);
    });
  }
  // Whole months here too: a row is as old as its month.
  await deleteFromDefault(pool, firstOfMonth(before, 0));
  return old;
}

async function deleteFromDefault(pool: pg.Pool, before: string): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(
      `DELETE FROM vote_events_default
        WHERE ctid = ANY(ARRAY(SELECT ctid FROM vote_events_default WHERE accepted_at < $1 LIMIT $2))`,
      [`${before} 00:00:00+00`, DEFAULT_ROWS_PER_DELETE],
    );
    if ((rowCount ?? 0) < DEFAULT_ROWS_PER_DELETE) return;
  }
}

const partitionName = (firstOfTheMonth: string) => `vote_events_${firstOfTheMonth.slice(0, 7).replace("-", "_")}`;

function endOfMonth(name: string): Date {
  const [year, month] = name.slice("vote_events_".length).split("_").map(Number) as [number, number];
  return new Date(Date.UTC(year, month, 1));
}

function firstOfMonth(now: Date, monthsAhead: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsAhead, 1)).toISOString().slice(0, 10);
}
