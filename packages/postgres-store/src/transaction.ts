import type pg from "pg";

/** The connection was lost while it was told to commit: whether it did, nobody knows. */
export class CommitUnknownError extends Error {
  override readonly name = "CommitUnknownError";
  constructor(cause: unknown) {
    super("the transaction may have been committed, or not", { cause });
  }
}

/**
 * Runs `work` between BEGIN and COMMIT on one connection. A connection on which something failed is thrown away rather
 * than returned: after a lost reply nobody knows what state it is in.
 *
 * A connection that is lost between two statements says so as an event, which would end the process if nobody listened;
 * the next statement fails anyway.
 *
 * @throws {CommitUnknownError}; after any other error nothing was written
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  client.on("error", ignore);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT").catch((error: unknown) => {
      throw new CommitUnknownError(error);
    });
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
