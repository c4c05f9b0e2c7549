/**
 * From rows to points: reads the ledger of what rows of votes really did, by shard and in order, and gives the owners of what is
 * voted on their points. The points of a stretch and the move it ends at are one step in one slot of Redis, so each move counts
 * once, whoever reads it again, also after Redis went back in time: then both went back.
 */
import { type Board, boardsAt, type GivenMoves, type PointsOfVotes } from "@votesync/core";
import {
  HAND_SHARD,
  type MissingMove,
  type MoveStretch,
  type PointMoveRow,
  readPointMoves,
  readPointProgress,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { givePoints, type PointMove, readBoardsEpoch, readPointsGiven } from "@votesync/redis-store";

/** Of each shard at once; a transaction's moves are one. */
const TRANSACTIONS_PER_READ = 20;
const NO_VOTE_POINTS = { up: 0, down: 0, none: 0 };

export interface PointsReaderOptions {
  zone: string;
  points: PointsOfVotes;
}

export interface PointsRead {
  /** The boards that changed. */
  boards: Board[];
  /** Whether there is more to read. */
  more: boolean;
  /** Redis lacks moves that are deleted, or has boards of another life: they must be counted anew (`restore.ts`). */
  lost: boolean;
}

export class PointsReader {
  constructor(
    private readonly stores: Stores,
    private readonly options: PointsReaderOptions,
  ) {}

  /** Gives the points of the next stretch of every shard. */
  readOnce(): Promise<PointsRead> {
    return readPoints(this.stores, this.options, [...this.stores.names.allShards(), HAND_SHARD]);
  }
}

/** Gives points by hand that are stored already, for whoever wants to see them at once. */
export async function giveHandPoints(stores: Stores, zone: string): Promise<void> {
  while ((await readPoints(stores, { zone, points: NO_VOTE_POINTS }, [HAND_SHARD])).more);
}

async function readPoints(stores: Stores, o: PointsReaderOptions, shards: readonly number[]): Promise<PointsRead> {
  const { redis, names, pool } = stores;
  const given = await readPointsGiven(redis, names);
  const { stretches, missing } = await readPointMoves(pool, { shards, given, limit: TRANSACTIONS_PER_READ });
  // Looked at last: what was deleted by now may be missing in what was read.
  if (await areBoardsLost(stores, given, missing)) return { boards: [], more: false, lost: true };
  const boardsOf = boardsByMoment(o.zone);
  const boards: Board[] = [];
  for (const stretch of stretches) {
    const moves = fold(stretch, o.points, boardsOf);
    if (await givePoints(redis, names, { ...stretch, moves })) boards.push(...moves.map(({ board }) => board));
  }
  return { boards, more: stretches.some(({ isFull }) => isFull), lost: false };
}

/**
 * @param given what the boards in Redis contain, read before
 * @param missing the last ones of these that the ledger does not have: deleted, or never made by this PostgreSQL
 */
async function areBoardsLost(
  { redis, names, pool }: Stores,
  given: GivenMoves,
  missing: readonly MissingMove[],
): Promise<boolean> {
  const [{ deletedUntil, boardsEpoch }, found] = await Promise.all([
    readPointProgress(pool),
    readBoardsEpoch(redis, names),
  ]);
  if (boardsEpoch !== null && boardsEpoch !== found) return true;
  if (missing.some(({ shard, id }) => id > (deletedUntil.get(shard) ?? 0))) return true;
  return [...deletedUntil].some(([shard, id]) => id > (given.get(shard)?.id ?? 0));
}

/** Folded: of each user on each board one sum. */
function fold(stretch: MoveStretch, points: PointsOfVotes, boardsOf: (atMs: number) => Board[]): PointMove[] {
  const sums = new Map<string, PointMove>();
  for (const move of stretch.moves) {
    const gained = gainedBy(move, points);
    if (gained === 0) continue;
    for (const board of boardsOf(move.atMs)) {
      const id = `${board.period} ${board.key} ${move.userId}`;
      sums.set(id, { board, userId: move.userId, points: (sums.get(id)?.points ?? 0) + gained });
    }
  }
  return [...sums.values()].filter((move) => move.points !== 0);
}

const gainedBy = ({ upvotes, downvotes, points: byHand }: PointMoveRow, points: PointsOfVotes) =>
  upvotes * points.up + downvotes * points.down + byHand;

/** Calendars cost 10 µs, and the moves of a stretch are of few moments. */
function boardsByMoment(zone: string): (atMs: number) => Board[] {
  const known = new Map<number, Board[]>();
  return (atMs) => {
    const boards = known.get(atMs) ?? boardsAt(atMs, zone);
    known.set(atMs, boards);
    return boards;
  };
}
