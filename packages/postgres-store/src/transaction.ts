import type pg from "pg";

/**
 * Runs `work` between BEGIN and COMMIT on one connection. A connection on which something failed is thrown away rather
 * than returned: after a lost reply nobody knows what state it is in.
 *
 * A connection that is lost between two statements says so as an event, which would end the process if nobody listened;
 * the next statement fails anyway.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  client.on("error", ignore);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    release(client, false);
    return result;
  } catch (error) {
    release(client, true);
    throw error;
  }
}

function release(client: pg.PoolClient, broken: boolean): void {
  client.release(broken);
  client.off("error", ignore);
}

const ignore = () => undefined;
