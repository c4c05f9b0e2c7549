/**
 * From votes to points: one reader per shard follows its stream in order and gives the owners of what is voted on their points.
 * The points of a stretch and the id it ends at are one step in Redis, so each vote counts once, whoever reads it again.
 *
 * Plain reads and no consumer group: reclaimed entries would come late and out of order, and be skipped.
 */
import { type Board, boardsAt, type PointsOfVotes, pointMoves, tryParseEvent, type VoteEvent } from "@votesync/core";
import { readSyncState } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { givePoints, type PointMove, readBoardsEpoch, readEvents, readPointsCursor } from "@votesync/redis-store";
import { LRUCache } from "lru-cache";

const ENTRIES_PER_BATCH = 500;
const OWNERS_KEPT = 100_000;

export interface PointsReaderOptions {
  zone: string;
  points: PointsOfVotes;
}

export class PointsReader {
  private readonly owners = new LRUCache<string, string>({ max: OWNERS_KEPT });

  constructor(
    private readonly stores: Stores,
    private readonly options: PointsReaderOptions,
  ) {}

  /**
   * Gives the points of one stretch of a shard's stream.
   * @returns the boards that changed, and whether there is more
   */
  async readOnce(shard: number): Promise<{ boards: Board[]; more: boolean }> {
    const { redis, names } = this.stores;
    if (await this.areLost()) return { boards: [], more: false };
    const fromId = await readPointsCursor(redis, names, shard);
    const entries = await readEvents(redis, names, { shard, afterId: fromId, count: ENTRIES_PER_BATCH });
    const toId = entries.at(-1)?.id;
    if (toId === undefined) return { boards: [], more: false };
    const votes = entries.flatMap(({ wire }) => voteOf(wire) ?? []);
    const moves = await this.movesOf(votes);
    const given = await givePoints(redis, names, { shard, fromId, toId, moves });
    return { boards: given ? moves.map(({ board }) => board) : [], more: entries.length === ENTRIES_PER_BATCH };
  }

  /**
   * Boards that Redis lost are counted anew from PostgreSQL, all that happened since included: what was read meanwhile would be
   * thrown away. They are known to be lost by their mark; before the first sync there is none.
   */
  private async areLost(): Promise<boolean> {
    const { redis, names, pool } = this.stores;
    if ((await readBoardsEpoch(redis, names)) !== null) return false;
    return (await readSyncState(pool)).boardsEpoch !== null;
  }

  /** Folded: of each user on each board one sum. */
  private async movesOf(votes: readonly VoteEvent[]): Promise<PointMove[]> {
    const { zone, points } = this.options;
    const owners = await this.ownersOf(votes.map(({ projectId }) => projectId));
    const sums = new Map<string, PointMove>();
    for (const vote of votes) {
      const userId = owners.get(vote.projectId);
      if (userId === undefined) continue;
      for (const move of pointMoves(vote, points)) {
        for (const board of boardsAt(move.atUs / 1_000, zone)) {
          const id = `${board.period} ${board.key} ${userId}`;
          const sum = sums.get(id)?.points ?? 0;
          sums.set(id, { board, userId, points: sum + move.points });
        }
      }
    }
    return [...sums.values()].filter((move) => move.points !== 0);
  }

  /** A project's owner never changes. */
  private async ownersOf(projectIds: readonly string[]): Promise<Map<string, string>> {
    const unknown = [...new Set(projectIds)].filter((id) => !this.owners.has(id));
    if (unknown.length > 0) {
      const { rows } = await this.stores.pool.query<{ id: string; owner_id: string }>(
        "SELECT id, owner_id FROM projects WHERE id = ANY($1)",
        [unknown],
      );
      for (const { id, owner_id } of rows) this.owners.set(id, owner_id);
    }
    return new Map(projectIds.flatMap((id) => [[id, this.owners.get(id)] as const]).filter(isKnown));
  }
}

const isKnown = (entry: readonly [string, string | undefined]): entry is [string, string] => entry[1] !== undefined;

/** Both kinds: what the fallback took gives points too. */
function voteOf(wire: string | undefined): VoteEvent | null {
  const event = tryParseEvent(wire);
  return event?.kind === "vote" || event?.kind === "persisted" ? event : null;
}
