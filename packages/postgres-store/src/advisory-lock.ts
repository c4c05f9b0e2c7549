import type pg from "pg";

export interface LockOptions {
  /**
   * So often the holder shows that it lives, ms. A holder that hangs, or whose network is gone without a word, loses the
   * lock after three beats. Without it such a holder keeps the lock until PostgreSQL finds its connection dead.
   */
  beatMs?: number;
}

const BEATS_MISSED = 3;

/**
 * Runs `work` if nobody else holds the lock, for as long as it takes. The lock goes with the connection and with no
 * transaction, so that of a process that dies is free at once, and no timeout of idle transactions ends it.
 * @returns `null` when somebody else has it
 */
export async function tryAdvisoryLock<T>(
  pool: pg.Pool,
  lockClass: number,
  object: number,
  work: () => Promise<T>,
  { beatMs }: LockOptions = {},
): Promise<T | null> {
  const client = await pool.connect();
  client.on("error", ignore);
  let broken = true;
  let beat: Beat | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS locked", [
      lockClass,
      object,
    ]);
    if (rows[0]?.locked !== true) {
      broken = false;
      return null;
    }
    if (beatMs !== undefined) beat = await Beat.start(client, beatMs);
    const result = await work();
    await beat?.stop();
    await client.query("SELECT pg_advisory_unlock($1, $2)", [lockClass, object]);
    broken = false;
    return result;
  } finally {
    beat?.end();
    // A connection that may still hold the lock is closed rather than returned.
    client.release(broken);
    client.off("error", ignore);
  }
}

/** Keeps a session from being idle for long; PostgreSQL ends one that is. */
class Beat {
  private last: Promise<unknown> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly client: pg.PoolClient,
    beatMs: number,
  ) {
    this.timer = setInterval(() => this.beat(), beatMs);
  }

  static async start(client: pg.PoolClient, beatMs: number): Promise<Beat> {
    await client.query("SELECT set_config('idle_session_timeout', $1, false)", [`${beatMs * BEATS_MISSED}ms`]);
    return new Beat(client, beatMs);
  }

  /** From here on the session may be idle again. @throws when the session has ended: somebody else may have the lock */
  async stop(): Promise<void> {
    this.end();
    await this.last;
    await this.client.query("RESET idle_session_timeout");
  }

  end(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    this.last = this.last.then(() => this.client.query("SELECT 1")).catch(ignore);
  }
}

const ignore = () => undefined;
