/**
 * The sync of leaderboards: what a thousand changed users cost on boards of any size, all of them against one row at a time, and the
 * memory of a process that looks at a million.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Board, boardName, boardsAt, LEADERBOARD_PERIODS, type RedisNames } from "@votesync/core";
import { compareUsers, runSync, type SyncDeps, writeChanges } from "@votesync/leaderboard";
import { adoptBoardsEpoch } from "@votesync/postgres-store";
import { givePoints, writeBoardsEpoch } from "@votesync/redis-store";
import type { Installation } from "./installation.js";
import type { Figure } from "./report.js";
import { watchMemory } from "./resident-memory.js";

const SIZES = [10_000, 100_000, 1_000_000];
const CHANGED = 1_000;
const FULL_USERS = 100_000;
const SINGLE_ROWS = 2_000;
const USERS_PER_BATCH = 10_000;
/** Well within a statement's deadline. */
const USERS_PER_INSERT = 50_000;
const MIB = 1_048_576;

export async function measureSync(installation: Installation): Promise<Figure[]> {
  const figures: Figure[] = [];
  let smallest: number | undefined;
  for (const users of SIZES) {
    const boards = new BenchBoards(installation);
    await boards.fill(users, true);
    await boards.change(CHANGED);
    const ms = await timed(() => boards.sync(false));
    const name = `incremental sync, ${CHANGED} of ${users} users changed, ms`;
    figures.push({
      name,
      ours: ms,
      ...(smallest === undefined ? {} : { baseline: smallest }),
      aim: "as with the fewest",
    });
    smallest ??= ms;
    figures.push(await measureMemory(installation, users));
    await boards.remove();
  }
  return [...figures, ...(await measureFull(installation))];
}

async function measureFull(installation: Installation): Promise<Figure[]> {
  const boards = new BenchBoards(installation);
  await boards.fill(FULL_USERS, false);
  const rows = FULL_USERS * LEADERBOARD_PERIODS.length;
  const all = rows / ((await timed(() => boards.sync(true))) / 1_000);
  const single = SINGLE_ROWS / ((await timed(() => boards.syncOneByOne(SINGLE_ROWS))) / 1_000);
  await boards.remove();
  return [
    {
      name: `full sync of ${FULL_USERS} new users, rows/s, against the same one row at a time`,
      ours: all,
      baseline: single,
      aim: "≥ 50 ×",
    },
  ];
}

/** The command as an operator runs it, against one that only looks at the state. */
async function measureMemory(installation: Installation, users: number): Promise<Figure> {
  const idle = await peakOf(installation, ["sync", "status"]);
  const full = await peakOf(installation, ["sync", "run", "--full"]);
  if (full.code !== 0) throw new Error("the sync that was to be measured failed");
  const name = `full sync of ${users} users, memory over a process that does nothing, MiB`;
  return { name, ours: (full.bytes - idle.bytes) / MIB, aim: "the same for all" };
}

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));

async function peakOf({ env }: Installation, args: readonly string[]): Promise<{ bytes: number; code: number | null }> {
  const child = spawn(process.execPath, [CLI, ...args], { env: { PATH: process.env.PATH, ...env }, stdio: "ignore" });
  const ended = once(child, "exit");
  const memory = watchMemory(child.pid as number);
  const [code] = (await ended) as [number | null];
  return { bytes: memory.stop(), code };
}

/** Leaderboards in Redis as services name them; both stores' are emptied before and after. */
class BenchBoards {
  private readonly names: RedisNames;
  private readonly deps: SyncDeps;
  private readonly boards: Board[];

  constructor(private readonly installation: Installation) {
    this.names = installation.names;
    const stores = { redis: installation.redis.client, names: this.names, pool: installation.postgres.pool };
    const nowMs = Date.now();
    this.boards = boardsAt(nowMs, "UTC");
    this.deps = { stores, zone: "UTC", maxDeleteRatio: 0.2, maxDeleteMin: 10, nowMs: () => nowMs };
  }

  /** @param synced whether PostgreSQL has them already */
  async fill(users: number, synced: boolean): Promise<void> {
    const { redis, postgres } = this.installation;
    await this.clear();
    for (const board of this.boards) {
      for (let from = 0; from < users; from += USERS_PER_BATCH) {
        const values = Array.from({ length: USERS_PER_BATCH }, (_, i) => [from + i + 1, `user ${from + i}`]).flat();
        await redis.client.zadd(this.names.boards + boardName(board), ...values);
      }
      await redis.client.sadd(this.names.boardNames(), boardName(board));
      if (!synced) continue;
      for (let from = 0; from < users; from += USERS_PER_INSERT) {
        await postgres.pool.query(
          `INSERT INTO leaderboard_entries (period, key, user_id, points)
           SELECT $1, $2, 'user ' || n, n + 1 FROM generate_series($3::int, $4::int) n`,
          [board.period, board.key, from, Math.min(from + USERS_PER_INSERT, users) - 1],
        );
      }
      await postgres.pool.query("INSERT INTO leaderboard_boards (period, key, entries) VALUES ($1, $2, $3)", [
        board.period,
        board.key,
        users,
      ]);
    }
    if (!synced) return;
    await postgres.pool.query("ANALYZE leaderboard_entries");
    await writeBoardsEpoch(redis.client, this.names, await adoptBoardsEpoch(postgres.pool));
    await postgres.pool.query("UPDATE sync_state SET last_full_at = now()");
  }

  async change(users: number): Promise<void> {
    const moves = Array.from({ length: users }, (_, i) => i).flatMap((i) =>
      this.boards.map((board) => ({ board, userId: `user ${i * 7}`, points: 5 })),
    );
    const batch = { shard: 0, after: undefined, to: { id: 1, madeAtMs: 1 }, moves };
    await givePoints(this.installation.redis.client, this.names, batch);
  }

  async sync(full: boolean): Promise<void> {
    const options = { runId: randomUUID(), trigger: "manual" as const, dryRun: false, force: false };
    const report = await runSync(this.deps, { ...options, full, periods: LEADERBOARD_PERIODS });
    if (report.full !== full) throw new Error("not the sync that was to be measured");
  }

  /** The same work, a row at a time: read on both sides, compared, written. */
  async syncOneByOne(rows: number): Promise<void> {
    const { stores } = this.deps;
    const [board] = this.boards;
    if (board === undefined) return;
    const userIds = Array.from({ length: rows }, (_, i) => `single ${i}`);
    await stores.redis.zadd(this.names.boards + boardName(board), ...userIds.flatMap((userId, i) => [i + 1, userId]));
    for (const userId of userIds) {
      const { changes } = await compareUsers(stores, { boards: [board], userIds: [userId] });
      await writeChanges(stores.pool, changes, null);
    }
  }

  private async clear(): Promise<void> {
    const { redis, names } = { redis: this.installation.redis.client, names: this.names };
    const ofBoards = [names.boards, names.dirtyUsers, names.takenUsers];
    await redis.unlink(...this.boards.flatMap((board) => ofBoards.map((prefix) => prefix + boardName(board))));
    await redis.unlink(names.boardNames(), names.pointsGiven());
    await this.installation.postgres.pool.query(
      "TRUNCATE leaderboard_entries, leaderboard_boards, sync_runs, sync_backups",
    );
  }

  remove(): Promise<void> {
    return this.clear();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
