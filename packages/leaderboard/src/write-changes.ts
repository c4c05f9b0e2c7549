/** Writes changes in batches; one that cannot be stored keeps nobody else from it. */
import { type EntryChange, isDataError, writeEntries } from "@votesync/postgres-store";
import type pg from "pg";

export interface FailedChange {
  change: EntryChange;
  error: string;
}

/** @returns what could not be stored */
export async function writeChanges(
  pool: pg.Pool,
  changes: readonly EntryChange[],
  keepFor: string | null,
): Promise<FailedChange[]> {
  try {
    await writeEntries(pool, { changes, keepFor });
    return [];
  } catch (error) {
    if (!isDataError(error)) throw error;
    const [only, ...rest] = changes;
    if (only === undefined) return [];
    if (rest.length === 0) return [{ change: only, error: (error as Error).message }];
    const half = Math.ceil(changes.length / 2);
    const first = await writeChanges(pool, changes.slice(0, half), keepFor);
    return [...first, ...(await writeChanges(pool, changes.slice(half), keepFor))];
  }
}
