/** Why a sync did not run. Each says what to do about it. */

/** A run would delete so much that a cache that came up empty is more likely than so many users leaving. */
export class MassDeleteRefusedError extends Error {
  override readonly name = "MassDeleteRefusedError";
  constructor(
    readonly board: string,
    readonly deletes: number,
    readonly rows: number,
  ) {
    super(
      `the sync would delete ${deletes} of ${rows} rows of ${board}, so it deleted nothing: restore the boards from PostgreSQL, or force it`,
    );
  }
}

/** Redis does not have the boards that PostgreSQL was synced with. */
export class BoardsLostError extends Error {
  override readonly name = "BoardsLostError";
  constructor(readonly rows: number) {
    super(
      `Redis has lost the leaderboards (PostgreSQL has ${rows} rows of them), so nothing was synced: restore them from PostgreSQL, or force it`,
    );
  }
}

/** Redis went back in time, and has not given all points again that PostgreSQL has. */
export class BoardsBehindError extends Error {
  override readonly name = "BoardsBehindError";
  constructor() {
    super(
      "Redis went back in time: its leaderboards lack points that PostgreSQL has, so nothing was synced; a sync-scheduler gives them again, sync once it has",
    );
  }
}

/** Somebody else syncs. */
export class SyncRunningError extends Error {
  override readonly name = "SyncRunningError";
  constructor(readonly runId: string | null) {
    super("a sync is running");
  }
}
