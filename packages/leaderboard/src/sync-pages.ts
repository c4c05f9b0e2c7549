/** Which users a sync looks at, page by page, so that a board of a million costs no more memory than one of a thousand. */
import type { Board } from "@votesync/core";
import { entryPages } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { changedUsers, readBoardPage, readPoints } from "@votesync/redis-store";

export const USERS_PER_PAGE = 1_000;

/**
 * Everybody on any of the boards, in Redis or in PostgreSQL. A user may come twice when points change meanwhile, and one who moves
 * between pages may be missed: who changes is dirty, and comes with the next sync.
 */
export async function* allUsers(stores: Stores, boards: readonly Board[]): AsyncGenerator<string[]> {
  for (const [i, board] of boards.entries()) yield* unseen(stores, boards.slice(0, i), ranked(stores, board));
  for (const board of boards) yield* missingInRedis(stores, boards, board);
}

/** Users whose points changed since the last sync. */
export const dirtyUsers = ({ redis, names }: Stores, boards: readonly Board[], onlyTaken: boolean) =>
  changedUsers(redis, names, { boards, onlyTaken, pageSize: USERS_PER_PAGE });

async function* ranked({ redis, names }: Stores, board: Board): AsyncGenerator<string[]> {
  for (let offset = 0; ; offset += USERS_PER_PAGE) {
    const page = await readBoardPage(redis, names, { board, offset, limit: USERS_PER_PAGE });
    if (page.length > 0) yield page.map(({ userId }) => userId);
    if (page.length < USERS_PER_PAGE) return;
  }
}

/** Without those who are on one of the boards before. */
async function* unseen(
  stores: Stores,
  before: readonly Board[],
  pages: AsyncGenerator<string[]>,
): AsyncGenerator<string[]> {
  for await (const page of pages) {
    const fresh = await withoutPoints(stores, before, page);
    if (fresh.length > 0) yield fresh;
  }
}

/** Users with a row on this board and no points on any. */
async function* missingInRedis(stores: Stores, boards: readonly Board[], board: Board): AsyncGenerator<string[]> {
  const ownFirst = [board, ...boards.filter((other) => other !== board)];
  for await (const rows of entryPages(stores.pool, board, USERS_PER_PAGE)) {
    const userIds = rows.map(({ userId }) => userId);
    const missing = await withoutPoints(stores, ownFirst, userIds);
    if (missing.length > 0) yield missing;
  }
}

/** Most users are on the first board that is asked, and then no other one is. */
async function withoutPoints(
  { redis, names }: Stores,
  boards: readonly Board[],
  userIds: readonly string[],
): Promise<string[]> {
  let missing = [...userIds];
  for (const board of boards) {
    if (missing.length === 0) break;
    const points = await readPoints(redis, names, { board, userIds: missing });
    missing = missing.filter((_, i) => points[i] === null);
  }
  return missing;
}

/** How many rows of each board have no points in Redis any more: what a full sync would delete. */
export async function countMissing(stores: Stores, board: Board): Promise<number> {
  let missing = 0;
  for await (const rows of entryPages(stores.pool, board, USERS_PER_PAGE)) {
    const userIds = rows.map(({ userId }) => userId);
    missing += (await withoutPoints(stores, [board], userIds)).length;
  }
  return missing;
}
