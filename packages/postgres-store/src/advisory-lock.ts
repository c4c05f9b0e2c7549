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

/**
 * Runs `work` if nobody else holds the lock, for as long as it takes. The lock goes with the connection, so that of a
 * process that dies is free at once.
 * @returns `null` when somebody else has it
 */
export async function tryAdvisoryLock<T>(
  pool: pg.Pool,
  lockClass: number,
  object: number,
  work: () => Promise<T>,
): Promise<T | null> {
  const client = await pool.connect();
  client.on("error", ignore);
  let broken = true;
  try {
    const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS locked", [
      lockClass,
      object,
    ]);
    if (rows[0]?.locked !== true) {
      broken = false;
      return null;
    }
    const result = await work();
    await client.query("SELECT pg_advisory_unlock($1, $2)", [lockClass, object]);
    broken = false;
    return result;
  } finally {
    // A connection that may still hold the lock is closed rather than returned.
    client.release(broken);
    client.off("error", ignore);
  }
}

const ignore = () => undefined;
