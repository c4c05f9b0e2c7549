/** The worker and the scheduler: what they do in their loops, as single steps. */
import type { LeaderboardPeriod, RedisNames } from "@votesync/core";
import { PointsReader, restoreBoards, runSync, type SyncDeps } from "@votesync/leaderboard";
import { evictColdProjects, type ReconcileReport, Reconciler, type Stores } from "@votesync/reconcile";
import { v4 as uuidv4 } from "uuid";
import { ImpatientLoader } from "./impatient-loader.js";
import type { Links } from "./links.js";
import { createBringOver, Retries, ShardApplier, trimShard } from "./product.js";
import { log } from "./silent-log.js";
import { SHARDS } from "./two-stores.js";

const ZONE = "UTC";
/** What a vote gives, also to the judge. */
export const POINTS = { up: 1, down: 0, none: 0 };
/** The others are given their points by the same steps. */
export const PERIODS: readonly LeaderboardPeriod[] = ["daily"];
const BATCH_SIZE = 100;
const RETRY_DELAYS_MS = [1, 1, 1] as const;
const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

export class WorkerProcess {
  private readonly appliers: ShardApplier[];
  private readonly retries: Retries;

  constructor(
    readonly links: Links,
    private readonly names: RedisNames,
    now: () => Date,
  ) {
    const stores: Stores = { redis: links.redisClient, names, pool: links.pool };
    const deps = {
      ...stores,
      batchSize: BATCH_SIZE,
      retryDelayMs: RETRY_DELAYS_MS[0],
      now,
      onApplied: () => undefined,
      bringOver: createBringOver({ ...stores, mode: "auto", log }),
      progressKeptMs: 0,
      markEveryMs: 0,
    };
    this.appliers = ALL_SHARDS.map((shard) => new ShardApplier(shard, deps));
    this.retries = new Retries({
      ...stores,
      delaysMs: RETRY_DELAYS_MS,
      shards: () => ALL_SHARDS,
      now,
      onRetried: () => undefined,
    });
  }

  /** @returns how many entries were applied */
  async apply(): Promise<number> {
    let applied = 0;
    for (const applier of this.appliers) applied += await applier.runOnce();
    return applied;
  }

  /** As if all that was applied were older than streams keep. */
  async trim(): Promise<void> {
    const deps = { redis: this.links.redisClient, names: this.names, retentionMs: 0 };
    for (const applier of this.appliers) await trimShard(deps, applier);
  }

  retry(): Promise<boolean> {
    return this.retries.runOnce();
  }
}

export class SchedulerProcess {
  private readonly stores: Stores;
  private readonly points: PointsReader;
  private readonly reconciler: Reconciler;

  constructor(
    readonly links: Links,
    names: RedisNames,
    private readonly nowMs: () => number,
  ) {
    this.stores = { redis: links.redisClient, names, pool: links.pool };
    this.points = new PointsReader(this.stores, { zone: ZONE, points: POINTS });
    this.reconciler = new Reconciler(this.stores, new ImpatientLoader(this.stores));
  }

  /** @returns whether any points were given */
  async readPoints(): Promise<boolean> {
    const { boards, more, lost } = await this.points.readOnce();
    if (lost) await restoreBoards({ ...this.syncDeps, points: POINTS }, uuidv4());
    return lost || more || boards.length > 0;
  }

  async sync(full: boolean): Promise<void> {
    const run = { trigger: "schedule" as const, dryRun: false, force: false, periods: PERIODS };
    await runSync(this.syncDeps, { ...run, runId: uuidv4(), full });
  }

  async reconcile(): Promise<ReconcileReport[]> {
    const reports: ReconcileReport[] = [];
    for (const shard of ALL_SHARDS) reports.push(await this.reconciler.passShard(shard));
    reports.push((await this.reconciler.passSlice("", 100)).report);
    return reports;
  }

  /** Whatever is loaded, as if nobody had voted for a day. */
  async evict(): Promise<void> {
    const tomorrow = () => Promise.resolve([String(Math.floor(this.nowMs() / 1_000) + 86_400), "0"]);
    const redis = new Proxy(this.stores.redis, {
      get: (target, property): unknown => (property === "time" ? tomorrow : Reflect.get(target, property)),
    });
    for (const shard of ALL_SHARDS) await evictColdProjects({ ...this.stores, redis }, { shard, idleMs: 0, limit: 10 });
  }

  private get syncDeps(): SyncDeps {
    const guard = { maxDeleteRatio: 1, maxDeleteMin: 1_000 };
    return { stores: this.stores, zone: ZONE, ...guard, nowMs: this.nowMs, pointsWaitMs: 0 };
  }
}
