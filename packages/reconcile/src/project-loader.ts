/**
 * Brings a project from PostgreSQL into Redis: one that Redis does not hold, or one that is held until it is read anew.
 *
 * The rows count only once the shard has been applied up to the project's last event; until then this waits, and gives
 * up when that takes too long. A thousand votes on one cold project load it once per process; over processes the script
 * lets the first loader win.
 */
import { setTimeout as delay } from "node:timers/promises";
import { compareStreamIds, type ReconcileReason } from "@votesync/core";
import { type ColdProjectRow, readColdProject, readLastId } from "@votesync/postgres-store";
import {
  finishReload,
  holdProject,
  loadProject,
  MAX_LOADED_VOTERS,
  type ProjectHold,
  putStream,
  RowsTooOldError,
  readCounts,
  STREAM_START,
} from "@votesync/redis-store";
import { isShardBehind } from "./shard-trust.js";
import type { Stores } from "./stores.js";

/** A worker commits ten batches a second; thrice in a row it does not come between the rows and their load. */
const READS = 3;
/** Many times what a worker takes when all is well. */
const WAIT_MS = 2_000;
const POLL_MS = 20;

/** The rows are older than what Redis knows: events of the project are not all applied yet, or PostgreSQL went back in time. */
export class ShardBehindError extends Error {
  override readonly name = "ShardBehindError";
  constructor(
    readonly shard: number,
    readonly lastEventId: string,
    options?: ErrorOptions,
  ) {
    super("the shard has not been applied up to the project's last event", options);
  }
}

export class ProjectLoader {
  private readonly loading = new Map<string, Promise<boolean>>();

  constructor(private readonly stores: Stores) {}

  /**
   * @param hold what the cast, or whoever held the project, was told
   * @returns `false` when there is no such project
   * @throws {ShardBehindError}
   */
  load(projectId: string, hold: ProjectHold, waitMs: number = WAIT_MS): Promise<boolean> {
    const key = `${projectId} ${hold.held}`;
    const underWay = this.loading.get(key);
    if (underWay !== undefined) return underWay;
    const load = this.loadOnce(projectId, hold, waitMs).finally(() => this.loading.delete(key));
    this.loading.set(key, load);
    return load;
  }

  /**
   * Makes Redis read the project anew, and its watchers hear of it.
   * @throws {ShardBehindError} the project stays held: whoever votes on it next loads it, or any replica once the shard is applied
   */
  async reload(projectId: string, reason: ReconcileReason, waitMs?: number): Promise<boolean> {
    const { redis, names } = this.stores;
    return this.load(projectId, await holdProject(redis, names, { projectId, reason }), waitMs);
  }

  private async loadOnce(projectId: string, hold: ProjectHold, waitMs: number): Promise<boolean> {
    const { redis, names, pool } = this.stores;
    const shard = names.shardOf(projectId);
    await this.untilApplied(shard, hold.lastEventId, performance.now() + waitMs);
    for (let read = 1; ; read++) {
      const project = await readColdProject(pool, { projectId, shard, maxVoters: MAX_LOADED_VOTERS });
      if (project === null) {
        // A PostgreSQL that went back in time may have lost it: Redis is not to let go of it.
        if (hold.held !== "" && (await isShardBehind(this.stores, shard)))
          throw new ShardBehindError(shard, hold.lastEventId);
        return false;
      }
      if (project.isIncomplete) throw new ShardBehindError(shard, hold.lastEventId);
      try {
        await loadProject(redis, names, project, hold);
      } catch (error) {
        if (!(error instanceof RowsTooOldError)) throw error;
        if (read < READS) continue;
        throw new ShardBehindError(shard, hold.lastEventId, { cause: error });
      }
      if (hold.held !== "") await finishReload(redis, names, { projectId });
      if (project.boardId !== null) await this.tellBoard(project.boardId, project);
      return true;
    }
  }

  /**
   * What was kept ready of the board may lack votes that the project was loaded for. The rows have them also when somebody
   * else held the project meanwhile: then they were not loaded, and Redis has still to learn of them.
   */
  private async tellBoard(boardId: string, { id: streamId, ...rows }: ColdProjectRow): Promise<void> {
    const { redis, names } = this.stores;
    const live = (await readCounts(redis, names, [streamId])).get(streamId);
    const counts = live !== undefined && live.version >= rows.version ? live : rows;
    await putStream(redis, names, { boardId, streamId, counts, action: null });
  }

  private async untilApplied(shard: number, eventId: string, giveUpAtMs: number): Promise<void> {
    if (eventId === STREAM_START) return;
    while (compareStreamIds(eventId, await readLastId(this.stores.pool, shard)) > 0) {
      if (performance.now() >= giveUpAtMs) throw new ShardBehindError(shard, eventId);
      await delay(POLL_MS);
    }
  }
}
