import type pg from "pg";

/** The connection was lost while it was told to commit: whether it did, nobody knows. */
export class CommitUnknownError extends Error {
  override readonly name = "CommitUnknownError";
  constructor(cause: unknown) {
    super("the transaction may have been committed, or not", { cause });
  }
}

export interface TransactionOptions {
  /** Aborted before the transaction commits, it is undone, and the reason thrown. */
  signal?: AbortSignal;
  /** From here on it may be committed, whatever the signal says. */
  onCommit?: () => void;
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
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  { signal, onCommit }: TransactionOptions = {},
): Promise<T> {
  const client = await pool.connect();
  if (signal?.aborted === true) {
    client.release();
    throw signal.reason;
  }
  client.on("error", ignore);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    signal?.throwIfAborted();
    onCommit?.();
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
