/**
 * Whether this replica may vote in Redis now. A Redis that was away may come back empty, from an old copy, or without the
 * votes that went past it meanwhile; so after every lost connection and every opening of the breaker, before the next cast:
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> Untrusted
 *   Untrusted --> Trusted: marks agree, lost shards are rebuilt, degraded projects held
 *   Untrusted --> Untrusted: another replica rebuilds a shard
 *   Untrusted --> Provisional: PostgreSQL is away, but Redis holds every shard's mark
 *   Provisional --> Trusted: PostgreSQL is back
 *   Trusted --> Untrusted: connection lost, or the breaker opened
 * ```
 *
 * Provisional keeps votes going when a replica restarts while PostgreSQL is away; what could be wrong then is repaired
 * from the rows later, for rows go by versions.
 *
 * An attempt may take seconds, with many degraded projects or a shard to rebuild. Votes take the fallback meanwhile.
 */
import { once } from "node:events";
import { ADVISORY_LOCKS } from "@votesync/core";
import { tryAdvisoryLock } from "@votesync/postgres-store";
import {
  adoptShard,
  checkShards,
  type FallbackRecovery,
  rebuildShard,
  type ShardTrust,
  type Stores,
} from "@votesync/reconcile";
import { readEpoch } from "@votesync/redis-store";
import { type Logger, type Service, withDeadline } from "@votesync/service-kit";

/** PostgreSQL is asked no longer than this before votes go on without its word: well within a vote's deadline. */
const CHECK_MS = 300;
/** Whoever reads waits no longer than this for the first attempt since trust was lost. */
const SETTLE_MS = 400;
/** A start waits so long for a Redis that does not even refuse. */
const START_MS = 1_000;
/** A replica that hangs in a rebuild leaves it to another one after three beats. */
const REBUILD_BEAT_MS = 5_000;

/** Another replica is at it: Redis cannot be trusted before that is done. */
class ShardInRebuildError extends Error {
  override readonly name = "ShardInRebuildError";
  constructor(readonly shards: number[]) {
    super("another replica rebuilds shards of Redis that have lost data");
  }
}

export interface RedisTrustDeps {
  stores: Stores;
  recovery: FallbackRecovery;
  log: Logger;
}

export class RedisTrust {
  private state: "untrusted" | "provisional" | "trusted" = "untrusted";
  /** Grows whenever trust is lost: an attempt that began before that proves nothing. */
  private losses = 0;
  private attempt: Promise<void> | null = null;
  /** Since trust was lost, or the connection is back, an attempt has failed. */
  private hasFailed = false;

  constructor(private readonly deps: RedisTrustDeps) {
    const { redis } = deps.stores;
    for (const event of ["close", "end", "-node"]) redis.on(event, () => this.startOver());
    redis.on("ready", () => {
      this.hasFailed = false;
      this.ensure().catch(() => undefined);
    });
  }

  get isConnected(): boolean {
    return this.deps.stores.redis.status === "ready";
  }

  get isTrusted(): boolean {
    return this.state !== "untrusted";
  }

  /** Trusted, and PostgreSQL agreed. */
  get isCertain(): boolean {
    return this.state === "trusted";
  }

  /**
   * Something casts doubt on Redis while it is trusted. An attempt to trust it that is under way goes on: votes that find
   * no trust yet open the breaker again and again, and must not be what keeps trust from being established.
   */
  lose(): void {
    if (this.isTrusted) this.startOver();
  }

  /** An attempt that is under way proves nothing any more, either. */
  startOver(): void {
    if (this.isTrusted) this.hasFailed = false;
    this.state = "untrusted";
    this.losses++;
  }

  /**
   * Before anything is read: waits a moment while nobody knows yet whether Redis may be trusted, for rows alone lack what
   * others have just voted. Once that could not be found out nobody waits any more, and the rows are shown.
   */
  async settled(): Promise<void> {
    if (this.isTrusted || this.hasFailed || !this.isConnected) return;
    await withDeadline(this.ensure(), SETTLE_MS, "trusting Redis").catch(() => undefined);
  }

  /** To be started before anybody is answered: a new replica's first answers are as fresh as all others. */
  firstAttempt(): Service {
    const connected = async (signal: AbortSignal) => {
      if (!this.isConnected) await once(this.deps.stores.redis, "ready", { signal });
      await this.ensure();
    };
    return {
      name: "redis-trust",
      start: () => withDeadline(connected, START_MS, "trusting Redis").catch(() => undefined),
      stop: async () => undefined,
    };
  }

  /** Resolves once votes may be cast. @throws when they may not */
  ensure(): Promise<void> {
    this.attempt ??= this.establish()
      .catch((error: unknown) => {
        this.hasFailed = true;
        throw error;
      })
      .finally(() => {
        this.attempt = null;
      });
    return this.attempt;
  }

  /** Looks again at a Redis that is trusted: it may have failed over to one that lacks data. */
  async recheck(): Promise<void> {
    if ([...(await checkShards(this.deps.stores)).values()].includes("lost")) this.lose();
  }

  private async establish(): Promise<void> {
    const { losses } = this;
    const state = await this.look();
    if (losses !== this.losses) throw new Error("trust in Redis was lost while it was checked");
    this.state = state;
  }

  private async look(): Promise<"provisional" | "trusted"> {
    const { stores, recovery } = this.deps;
    const verdicts = await this.check();
    if (verdicts === null) return "provisional";
    const inRebuild: number[] = [];
    for (const [shard, verdict] of verdicts) {
      if (verdict === "new") await adoptShard(stores, shard);
      if (verdict === "lost" && !(await this.rebuild(shard))) inRebuild.push(shard);
    }
    if (inRebuild.length > 0) throw new ShardInRebuildError(inRebuild);
    await recovery.holdDegraded();
    return "trusted";
  }

  /** `null`: PostgreSQL does not say, but Redis is not empty. */
  private async check(): Promise<Map<number, ShardTrust> | null> {
    const { stores, log } = this.deps;
    const { redis, names } = stores;
    const epochs = await Promise.all(names.allShards().map((shard) => readEpoch(redis, names, shard)));
    const oneMore = await readEpoch(redis, names, names.shards);
    try {
      return await withDeadline(checkShards(stores), CHECK_MS, "checking Redis against PostgreSQL");
    } catch (error) {
      // As many marks as shards, or VOTE_SHARDS is not what it is elsewhere.
      if (epochs.includes(null) || oneMore !== null || redis.status !== "ready") throw error;
      log.warn({ err: error }, "cannot check Redis against PostgreSQL; votes go on");
      return null;
    }
  }

  /** @returns `false` when another replica is at it */
  private async rebuild(shard: number): Promise<boolean> {
    const { stores, log } = this.deps;
    const work = async () => {
      // Another replica may have been faster.
      if ((await checkShards(stores)).get(shard) !== "lost") return true;
      log.warn({ shard }, "Redis has lost this shard's data, rebuilding it from PostgreSQL");
      const held = await rebuildShard(stores, shard);
      log.info({ shard, held }, "rebuilt the shard; its projects are reloaded now");
      return true;
    };
    const o = { beatMs: REBUILD_BEAT_MS };
    return (await tryAdvisoryLock(stores.pool, ADVISORY_LOCKS.shardRecovery, shard, work, o)) !== null;
  }
}
