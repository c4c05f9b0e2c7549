/**
 * Whether the leaderboards in Redis say what the rows say: the part of `votes verify` about points. Exact while votes go on, because
 * the points are read together with how far the ledger of points was given.
 *
 * Every user of a leaderboard is counted once, page by page; who differs at that moment is looked at alone.
 */
import { type Board, boardName, boardSpan, boardsAt, type PointsOfVotes } from "@votesync/core";
import { countPoints, type EntryRow, readExpectedPoints } from "@votesync/postgres-store";
import { addFindings, type Check, MAX_KEPT_FINDINGS, type Stores, type VerifyReport } from "@votesync/reconcile";
import { readPointsWithGiven, userPages } from "@votesync/redis-store";

const COUNT_TIMEOUT_MS = 300_000;
const USERS_PER_PAGE = 1_000;

export interface LeaderboardsCheckOptions {
  zone: string;
  points: PointsOfVotes;
  nowMs: () => number;
}

export function createLeaderboardsCheck(o: LeaderboardsCheckOptions): Check {
  return {
    name: "leaderboards",
    async run(stores, report, { projectIds, signal }) {
      // One project's votes say nothing about its owner's points.
      if (projectIds !== undefined) return;
      for (const board of boardsAt(o.nowMs(), o.zone)) {
        signal.throwIfAborted();
        await new BoardCheck(stores, report, board, o).run();
      }
    },
  };
}

class BoardCheck {
  private counted = 0;

  constructor(
    private readonly stores: Stores,
    private readonly report: VerifyReport,
    private readonly board: Board,
    private readonly o: LeaderboardsCheckOptions,
  ) {}

  private get span() {
    return { name: boardName(this.board), ...boardSpan(this.board, this.o.zone) };
  }

  async run(): Promise<void> {
    await countPoints(this.stores.pool, {
      spans: [this.span],
      points: this.o.points,
      timeoutMs: COUNT_TIMEOUT_MS,
      pageSize: USERS_PER_PAGE,
      onPage: (_span, entries) => this.checkCounted(entries),
    });
    const { redis, names } = this.stores;
    if ((await redis.zcard(names.boards + boardName(this.board))) <= this.counted) return;
    for await (const users of userPages(redis, names, this.board)) await this.checkExactly(users);
  }

  private async checkCounted(entries: readonly EntryRow[]): Promise<void> {
    this.counted += entries.length;
    const { redis, names } = this.stores;
    const userIds = entries.map(({ userId }) => userId);
    const { points } = await readPointsWithGiven(redis, names, { board: this.board, userIds });
    const differing = entries.filter((entry, i) => points[i] !== entry.points);
    if (differing.length > 0) await this.checkExactly(differing.map(({ userId }) => userId));
  }

  /** What Redis had when it was read, against what it must have had by then. */
  private async checkExactly(userIds: readonly string[]): Promise<void> {
    const { redis, names, pool } = this.stores;
    const { points, given } = await readPointsWithGiven(redis, names, { board: this.board, userIds });
    const expected = await readExpectedPoints(pool, { userIds, span: this.span, points: this.o.points, given });
    const wrong = userIds.flatMap((userId, i) => {
      const [found, wanted] = [points[i] ?? 0, expected.get(userId) ?? 0];
      return found === wanted ? [] : [{ board: boardName(this.board), user_id: userId, redis: found, counted: wanted }];
    });
    addFindings(this.report, "leaderboards", wrong.slice(0, MAX_KEPT_FINDINGS), wrong.length);
  }
}
