/** What must change in PostgreSQL so that some users stand there as in Redis. Reads; writes nothing. */
import { type Board, boardName } from "@votesync/core";
import { type EntryChange, readEntries } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { readPoints } from "@votesync/redis-store";

export type Fate = "created" | "updated" | "deleted" | "unchanged";

export interface ComparedUsers {
  changes: EntryChange[];
  /** User → what becomes of them: the strongest of their rows' changes. */
  fates: Map<string, Fate>;
  /** Board name → rows that stay as they are. */
  unchangedRows: Map<string, number>;
}

export async function compareUsers(
  stores: Stores,
  o: { boards: readonly Board[]; userIds: readonly string[] },
): Promise<ComparedUsers> {
  const sides = await Promise.all(
    o.boards.map(async (board) => ({
      board,
      points: await readPoints(stores.redis, stores.names, { board, userIds: o.userIds }),
      rows: await readEntries(stores.pool, { board, userIds: o.userIds }),
    })),
  );
  const compared: ComparedUsers = { changes: [], fates: new Map(), unchangedRows: new Map() };
  o.userIds.forEach((userId, i) => {
    const own = sides.map(({ board, points, rows }) => ({
      board,
      userId,
      points: points[i] ?? null,
      before: rows.get(userId) ?? null,
    }));
    const changes = own.filter(({ points, before }) => points !== before);
    for (const { board, points, before } of own) {
      if (points === null || points !== before) continue;
      const name = boardName(board);
      compared.unchangedRows.set(name, (compared.unchangedRows.get(name) ?? 0) + 1);
    }
    compared.changes.push(...changes);
    const fate = fateOf(own, changes);
    if (fate !== null) compared.fates.set(userId, fate);
  });
  return compared;
}

/** @returns `null` for a user who is nowhere */
function fateOf(own: readonly EntryChange[], changes: readonly EntryChange[]): Fate | null {
  const wasThere = own.some(({ before }) => before !== null);
  const isThere = own.some(({ points }) => points !== null);
  if (!wasThere && !isThere) return null;
  if (!wasThere) return "created";
  if (!isThere) return "deleted";
  return changes.length > 0 ? "updated" : "unchanged";
}
