import type pg from "pg";
import { inTransaction } from "./transaction.js";

/**
 * Runs `work` while nobody else holds the lock, waiting for it as long as a statement may take. It goes with the
 * transaction, so a process that dies or hangs does not keep it.
 */
export async function withAdvisoryLock<T>(
  pool: pg.Pool,
  lockClass: number,
  object: number,
  work: () => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1, $2)", [lockClass, object]);
    return work();
  });
}
