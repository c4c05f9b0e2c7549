import type pg from "pg";

/**
 * Runs `work` between BEGIN and COMMIT on one connection. A connection on which something failed is thrown away rather
 * than returned: after a lost reply nobody knows what state it is in.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
