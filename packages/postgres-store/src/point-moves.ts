/**
 * The ledger of points: what rows of votes really did, and points given by hand. Rows are written by the transactions that write
 * the votes (`upsert-votes.ts`); whoever gives points reads them by shard, in order, and remembers beside the points how far.
 */
import { ADVISORY_LOCKS, type GivenMoves, type LedgerMove } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

/** Points by hand are a shard of their own. */
export const HAND_SHARD = -1;

const QUARTER_MS = 900_000;
/** Moves are read within a second; an hour is for a Redis that goes back to a copy of its own. */
const KEPT = "interval '1 hour'";
/** Where no sync runs, that must not fill the table. */
const KEPT_UNSYNCED = "interval '1 day'";
const ROWS_PER_DELETE = 1_000;

/** Whose points moved, when the vote was given, and by how much. */
export interface PointMoveRow {
  userId: string;
  /** ms since 1970; exact to a quarter of an hour. */
  atMs: number;
  upvotes: number;
  downvotes: number;
  /** By hand; 0 where the points are those of votes. */
  points: number;
}

export interface MoveStretch {
  shard: number;
  after: LedgerMove | undefined;
  to: LedgerMove;
  moves: PointMoveRow[];
  /** Whether it has as many transactions as were asked for. */
  isFull: boolean;
}

interface LedgerRow {
  shard: number;
  id: number;
  made_at: Date;
  user_ids: string[];
  quarters: number[];
  upvotes: number[];
  downvotes: number[];
  points: string[] | null;
}

/** With the last one that was given: it must be the same. */
const READ_MOVES = `
  SELECT m.shard, m.id, m.created_at AS made_at, m.user_ids, m.quarters, m.upvotes, m.downvotes, m.points
    FROM unnest($1::int[], $2::bigint[]) AS g (shard, given_id)
   CROSS JOIN LATERAL (SELECT * FROM point_moves
                        WHERE shard = g.shard AND id >= g.given_id ORDER BY id LIMIT $3 + 1) m
   ORDER BY m.shard, m.id`;

/** The last move that was given is not in the ledger: PostgreSQL went back in time, or the move is deleted. */
export interface MissingMove {
  shard: number;
  id: number;
}

/**
 * The next moves of each shard, at most `limit` transactions of it.
 * @returns `missing`: shards whose last given move was not found, see `readPointProgress`
 */
export async function readPointMoves(
  pool: pg.Pool,
  o: { shards: readonly number[]; given: GivenMoves; limit: number },
): Promise<{ stretches: MoveStretch[]; missing: MissingMove[] }> {
  const values = [o.shards, o.shards.map((shard) => o.given.get(shard)?.id ?? 0), o.limit];
  const { rows } = await pool.query<LedgerRow>({ name: "read-point-moves", text: READ_MOVES, values });
  const stretches: MoveStretch[] = [];
  const missing: MissingMove[] = [];
  for (const shard of o.shards) {
    const given = o.given.get(shard);
    const found = rows.filter((row) => row.shard === shard);
    const next = found.filter(({ id }) => id !== given?.id).slice(0, o.limit);
    if (given !== undefined && !found.some((row) => row.id === given.id && row.made_at.getTime() === given.madeAtMs)) {
      missing.push({ shard, id: given.id });
    }
    const last = next.at(-1);
    if (last === undefined) continue;
    const to = { id: last.id, madeAtMs: last.made_at.getTime() };
    stretches.push({ shard, after: given, to, moves: next.flatMap(movesOf), isFull: next.length === o.limit });
  }
  return { stretches, missing };
}

/** An array of a few hundred elements at most: one batch of a worker. */
function movesOf({ user_ids: userIds, quarters, upvotes, downvotes, points }: LedgerRow): PointMoveRow[] {
  return userIds.map((userId, i) => ({
    userId,
    atMs: (quarters[i] ?? 0) * QUARTER_MS,
    upvotes: upvotes[i] ?? 0,
    downvotes: downvotes[i] ?? 0,
    points: Number(points?.[i] ?? 0),
  }));
}

export interface PointProgress {
  /** Shard → moves up to this one are gone. */
  deletedUntil: Map<number, number>;
  /** Shard → moves up to this one are in `leaderboard_entries`. */
  syncedUntil: Map<number, number>;
  /** Which life of the boards in Redis these rows belong to; `null` before the first sync. */
  boardsEpoch: string | null;
}

export async function readPointProgress(pool: pg.Pool): Promise<PointProgress> {
  const { rows } = await pool.query<{
    shard: number | null;
    deleted_until: number;
    synced_until: number;
    epoch: string | null;
  }>(
    `SELECT p.shard, p.deleted_until, p.synced_until, s.boards_epoch AS epoch
       FROM sync_state s LEFT JOIN point_progress p ON true`,
  );
  const known = rows.flatMap(({ shard, ...row }) => (shard === null ? [] : [{ shard, ...row }]));
  return {
    deletedUntil: new Map(known.map((row) => [row.shard, row.deleted_until])),
    syncedUntil: new Map(known.map((row) => [row.shard, row.synced_until])),
    boardsEpoch: rows[0]?.epoch ?? null,
  };
}

/** Shard → its last move, a deleted one too, of which nobody knows when it was made; a shard that never had one is missing. */
export async function readLastMoves(client: pg.Pool | pg.PoolClient): Promise<Map<number, LedgerMove>> {
  const { rows } = await client.query<{ shard: number; id: number; made_at: Date | null }>(
    `SELECT s.shard, coalesce(m.id, p.deleted_until) AS id, m.created_at AS made_at
       FROM (SELECT shard FROM shard_progress UNION ALL SELECT ${HAND_SHARD}) s
       LEFT JOIN point_progress p ON p.shard = s.shard
       LEFT JOIN LATERAL (SELECT id, created_at FROM point_moves WHERE shard = s.shard ORDER BY id DESC LIMIT 1) m ON true
      WHERE coalesce(m.id, p.deleted_until, 0) > 0`,
  );
  return new Map(rows.map(({ shard, id, made_at }) => [shard, { id, madeAtMs: made_at?.getTime() ?? 0 }]));
}

/** What stands in Redis up to these moves stands in `leaderboard_entries`. */
export async function markMovesSynced(pool: pg.Pool, given: GivenMoves): Promise<void> {
  await pool.query(
    `INSERT INTO point_progress AS p (shard, synced_until) SELECT * FROM unnest($1::int[], $2::bigint[])
     ON CONFLICT (shard) DO UPDATE SET synced_until = greatest(p.synced_until, excluded.synced_until)`,
    [[...given.keys()], [...given.values()].map(({ id }) => id)],
  );
}

const DELETE_MOVES = `
  WITH old AS (
    SELECT shard, id FROM point_moves m
     WHERE shard = $1 AND created_at < now() - ${KEPT}
       AND (id <= (SELECT synced_until FROM point_progress WHERE shard = $1) OR created_at < now() - ${KEPT_UNSYNCED})
     ORDER BY id LIMIT $2
  ), deleted AS (
    DELETE FROM point_moves m USING old WHERE m.shard = old.shard AND m.id = old.id RETURNING m.id
  ), marked AS (
    INSERT INTO point_progress AS p (shard, deleted_until) SELECT $1, max(id) FROM deleted HAVING count(*) > 0
    ON CONFLICT (shard) DO UPDATE SET deleted_until = greatest(p.deleted_until, excluded.deleted_until)
  )
  SELECT count(*) AS deleted FROM deleted`;

/** Moves that have had their day, in bounded batches. @returns how many transactions' moves went */
export async function deleteOldMoves(pool: pg.Pool, shards: readonly number[]): Promise<number> {
  let deleted = 0;
  for (const shard of [...shards, HAND_SHARD]) {
    for (;;) {
      const { rows } = await pool.query<{ deleted: number }>(DELETE_MOVES, [shard, ROWS_PER_DELETE]);
      const count = rows[0]?.deleted ?? 0;
      deleted += count;
      if (count < ROWS_PER_DELETE) break;
    }
  }
  return deleted;
}

export interface HandPoints {
  userId: string;
  points: number;
  /** Identifies the request: the same one counts once for a day. */
  requestKey: string;
  givenAt: Date;
}

/** `replayed`: the same request was done before. `conflict`: its key was used for other points. */
export type HandPointsOutcome = "added" | "replayed" | "conflict";

/** Points that an admin gives. They are stored here first, and reach the boards as all points do. */
export async function givePointsByHand(pool: pg.Pool, given: HandPoints): Promise<HandPointsOutcome> {
  return inTransaction(pool, async (client) => {
    // One at a time: ids of moves must grow in the order of commits, and a repeated request must see the first one.
    await client.query("SELECT pg_advisory_xact_lock($1, 0)", [ADVISORY_LOCKS.handPoints]);
    const { rows } = await client.query<{ points: number }>(
      `SELECT points FROM score_events
        WHERE user_id = $1 AND request_key = $2 AND given_at > $3::timestamptz - interval '1 day'`,
      [given.userId, given.requestKey, given.givenAt],
    );
    const [earlier] = rows;
    if (earlier !== undefined) return earlier.points === given.points ? "replayed" : "conflict";
    const quarter = Math.floor(given.givenAt.getTime() / QUARTER_MS);
    await client.query(
      `WITH event AS (INSERT INTO score_events (user_id, request_key, points, given_at) VALUES ($2, $3, $4, $5))
       INSERT INTO point_moves (shard, user_ids, quarters, upvotes, downvotes, points)
       VALUES ($1, ARRAY[$2::text], ARRAY[$6::int], ARRAY[0], ARRAY[0], ARRAY[$4::bigint])`,
      [HAND_SHARD, given.userId, given.requestKey, given.points, given.givenAt, quarter],
    );
    return "added";
  });
}
