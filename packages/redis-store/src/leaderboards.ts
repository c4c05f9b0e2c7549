/** Leaderboards in Redis: sorted sets of users by points, and what a sync needs to know of them. */
import {
  type Board,
  boardName,
  type GivenMoves,
  type LedgerMove,
  parseBoardName,
  type RedisNames,
} from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { scanMembers } from "./scan-members.js";
import { callScript } from "./scripts.js";

export interface PointMove {
  board: Board;
  userId: string;
  points: number;
}

const moveArguments = (moves: readonly PointMove[]) =>
  moves.flatMap(({ board, userId, points }) => [boardName(board), userId, points]);

const moveText = (move: LedgerMove | undefined) => (move === undefined ? "" : `${move.id}@${move.madeAtMs}`);

function parseGiven(hash: Record<string, string>): Map<number, LedgerMove> {
  return new Map(
    Object.entries(hash).map(([shard, text]) => {
      const [id, madeAtMs] = text.split("@").map(Number) as [number, number];
      return [Number(shard), { id, madeAtMs }];
    }),
  );
}

/**
 * Gives a stretch of a shard's point moves, and says so in the same step.
 * @returns `false` when the last move that was given is not `after`: nothing was given
 */
export async function givePoints(
  client: RedisClient,
  names: RedisNames,
  stretch: { shard: number; after: LedgerMove | undefined; to: LedgerMove; moves: readonly PointMove[] },
): Promise<boolean> {
  const { shard, after, to, moves } = stretch;
  const keys = [names.pointsGiven(), names.boards, names.dirtyUsers, names.boardNames(), names.frozenBoards()];
  return (
    (await callScript(client, "add-points", keys, [shard, moveText(after), moveText(to), ...moveArguments(moves)])) ===
    1
  );
}

export async function readPointsGiven(client: RedisClient, names: RedisNames): Promise<GivenMoves> {
  return parseGiven(await client.hgetall(names.pointsGiven()));
}

export interface BoardEntry {
  userId: string;
  points: number;
}

/** Entries in their order, most points first, from a place counted from 0. */
export async function readBoardPage(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; offset: number; limit: number },
): Promise<BoardEntry[]> {
  const key = names.boards + boardName(o.board);
  const reply = await client.zrevrange(key, o.offset, o.offset + o.limit - 1, "WITHSCORES");
  const entries: BoardEntry[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    entries.push({ userId: reply[i] as string, points: Number(reply[i + 1]) });
  }
  return entries;
}

export function countBoard(client: RedisClient, names: RedisNames, board: Board): Promise<number> {
  return client.zcard(names.boards + boardName(board));
}

/** From 1: one more than there are users with more points. Equal points share a rank. */
export async function rankOf(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; points: number },
): Promise<number> {
  return (await client.zcount(names.boards + boardName(o.board), `(${o.points}`, "+inf")) + 1;
}

/** The points of each of these users, in their order; `null` for who is not on the board. */
export async function readPoints(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; userIds: readonly string[] },
): Promise<(number | null)[]> {
  if (o.userIds.length === 0) return [];
  const reply = await client.zmscore(names.boards + boardName(o.board), ...o.userIds);
  return reply.map((points) => (points === null ? null : Number(points)));
}

/** Points of some users, and how far the ledger of points was given at that moment; `null` for who is not on the board. */
export async function readPointsWithGiven(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; userIds: readonly string[] },
): Promise<{ points: (number | null)[]; given: GivenMoves }> {
  const both = client
    .multi()
    .hgetall(names.pointsGiven())
    .zmscore(names.boards + boardName(o.board), ...o.userIds);
  const [[givenError, given], [pointsError, points]] = (await both.exec()) as [
    [Error | null, Record<string, string>],
    [Error | null, (string | null)[]],
  ];
  if (givenError !== null || pointsError !== null) throw givenError ?? pointsError;
  return {
    points: points.map((found) => (found === null ? null : Number(found))),
    given: parseGiven(given),
  };
}

const USERS_PER_PAGE = 1_000;

/** Everybody on a board, page by page, in no order; one user may come twice. */
export async function* userPages(client: RedisClient, names: RedisNames, board: Board): AsyncGenerator<string[]> {
  yield* scanMembers(client, names.boards + boardName(board), USERS_PER_PAGE);
}

/** Every board there is. */
export async function readBoards(client: RedisClient, names: RedisNames): Promise<Board[]> {
  const found = await client.smembers(names.boardNames());
  return found.flatMap((name) => parseBoardName(name) ?? []);
}

/** Moves the users who changed to those that a sync works on. @returns how many these are */
export async function takeDirty(client: RedisClient, names: RedisNames, board: Board): Promise<number> {
  const name = boardName(board);
  return Number(await callScript(client, "take-dirty", [names.dirtyUsers + name, names.takenUsers + name], []));
}

/**
 * Users who changed on any of these boards since the last sync, each once, page by page; those that were `taken` alone, or all
 * of them for a look that changes nothing.
 */
export async function* changedUsers(
  client: RedisClient,
  names: RedisNames,
  o: { boards: readonly Board[]; onlyTaken: boolean; pageSize: number },
): AsyncGenerator<string[]> {
  const keys = o.boards.map(boardName).flatMap((name) => {
    const taken = names.takenUsers + name;
    return o.onlyTaken ? [taken] : [taken, names.dirtyUsers + name];
  });
  for (const [i, key] of keys.entries()) {
    let cursor = "0";
    do {
      const [next, users] = await client.sscan(key, cursor, "COUNT", o.pageSize);
      cursor = next;
      const fresh = await inNone(client, keys.slice(0, i), [...new Set(users)]);
      for (let from = 0; from < fresh.length; from += o.pageSize) yield fresh.slice(from, from + o.pageSize);
    } while (cursor !== "0");
  }
}

async function inNone(client: RedisClient, keys: readonly string[], users: string[]): Promise<string[]> {
  if (users.length === 0 || keys.length === 0) return users;
  const found = await Promise.all(keys.map((key) => client.smismember(key, ...users)));
  return users.filter((_, i) => found.every((ofKey) => ofKey[i] === 0));
}

/** The next sync is to look at this user. */
export async function markDirty(client: RedisClient, names: RedisNames, o: { board: Board; userId: string }) {
  await client.sadd(names.dirtyUsers + boardName(o.board), o.userId);
}

/** They are where they belong. */
export async function dropTaken(client: RedisClient, names: RedisNames, board: Board): Promise<void> {
  await client.unlink(names.takenUsers + boardName(board));
}

/** The board is over: its points stay as they are, and it leaves Redis after a while. */
export async function freezeBoard(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; keptMs: number },
): Promise<void> {
  const name = boardName(o.board);
  await client.sadd(names.frozenBoards(), name);
  await client.pexpire(names.boards + name, o.keptMs);
  await client.srem(names.boardNames(), name);
  await client.unlink(names.dirtyUsers + name, names.takenUsers + name);
}

export function readBoardsEpoch(client: RedisClient, names: RedisNames): Promise<string | null> {
  return client.get(names.boardsEpoch());
}

export async function writeBoardsEpoch(client: RedisClient, names: RedisNames, epoch: string): Promise<void> {
  await client.set(names.boardsEpoch(), epoch);
}

/** Begins to read a board back. */
export async function beginRestore(client: RedisClient, names: RedisNames, board: Board): Promise<void> {
  await client.unlink(names.restoredBoards + boardName(board));
}

export async function addRestored(
  client: RedisClient,
  names: RedisNames,
  o: { board: Board; entries: readonly BoardEntry[] },
): Promise<void> {
  if (o.entries.length === 0) return;
  const values = o.entries.flatMap(({ userId, points }) => [points, userId]);
  await client.zadd(names.restoredBoards + boardName(o.board), ...values);
}

/** Puts all boards that were counted in the place of what there is, in one step. */
export async function finishRestore(
  client: RedisClient,
  names: RedisNames,
  o: { epoch: string; boards: readonly Board[]; given: GivenMoves },
): Promise<void> {
  const keys = [
    names.boardsEpoch(),
    names.boardNames(),
    names.boards,
    names.restoredBoards,
    names.dirtyUsers,
    names.pointsGiven(),
  ];
  const given = [...o.given].flatMap(([shard, move]) => [shard, moveText(move)]);
  await callScript(client, "restore-boards", keys, [o.epoch, o.boards.length, ...o.boards.map(boardName), ...given]);
}
