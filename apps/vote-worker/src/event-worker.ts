/**
 * The worker as a whole: a tick that claims shards, one loop per claimed shard, and one for the events that failed on any of
 * them. Loops are apart from each other, so a shard in trouble delays nobody else's votes, and neither does an event.
 */
import { NewerEventError } from "@votesync/core";
import { trimEvents } from "@votesync/redis-store";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import { Retries, type RetriesOptions } from "./retries.js";
import { PostgresBehindError, ShardApplier, type ShardApplierDeps, StreamGapError } from "./shard-applier.js";
import type { ShardClaims } from "./shard-claims.js";

/** How soon a dead worker's shards are picked up, at the latest. */
const CLAIM_TICK_MS = 1_000;
const RETRY_TICK_MS = 1_000;
const TRIM_TICK_MS = 30_000;
/** Short: while a shard stands still, projects that must be read anew are held back. */
const APPLY_BACKOFF = { firstMs: 100, maxMs: 1_000 };

export interface EventWorkerOptions extends Omit<ShardApplierDeps, "retryDelayMs"> {
  claims: ShardClaims;
  pauseMs: number;
  retentionMs: number;
  retryDelaysMs: readonly [number, ...number[]];
  onRetried: RetriesOptions["onRetried"];
  log: Logger;
}

interface RunningShard {
  applier: ShardApplier;
  loop: Service;
}

export class EventWorker implements Service {
  readonly name = "event-worker";
  private readonly running = new Map<number, RunningShard>();
  /** Shards to which nothing is applied until something else has happened, and why. */
  private readonly stopped = new Map<number, Error>();
  private readonly claimTick: Service;
  private readonly retryTick: Service;
  private readonly trimTick: Service;

  constructor(private readonly options: EventWorkerOptions) {
    const { log } = options;
    this.claimTick = createLoop({ name: "claim-shards", runOnce: () => this.claim(), idleMs: CLAIM_TICK_MS, log });
    const retries = new Retries({ ...options, delaysMs: options.retryDelaysMs, shards: () => this.shards() });
    const runOnce = (signal: AbortSignal) => retries.runOnce(signal);
    this.retryTick = createLoop({ name: "retry-events", runOnce, idleMs: RETRY_TICK_MS, log });
    this.trimTick = createLoop({ name: "trim-streams", runOnce: () => this.trim(), idleMs: TRIM_TICK_MS, log });
  }

  async start(): Promise<void> {
    await this.claimTick.start();
    await this.retryTick.start();
    await this.trimTick.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.claimTick.stop(), this.retryTick.stop(), this.trimTick.stop()]);
    await Promise.all([...this.running.keys()].map((shard) => this.stopShard(shard)));
    await this.options.claims.close();
  }

  shards(): number[] {
    return [...this.running.keys()];
  }

  /** Shards of this worker to which nothing is applied now, and why. */
  stoppedShards(): ReadonlyMap<number, Error> {
    return this.stopped;
  }

  private async claim(): Promise<boolean> {
    try {
      await this.options.claims.rebalance();
    } finally {
      await this.followClaims();
    }
    return false;
  }

  private async followClaims(): Promise<void> {
    const held = this.options.claims.held();
    const lost = this.shards().filter((shard) => !held.includes(shard));
    await Promise.all(lost.map((shard) => this.stopShard(shard)));
    for (const shard of held) if (!this.running.has(shard)) await this.startShard(shard);
  }

  private async startShard(shard: number): Promise<void> {
    const { batchSize, pauseMs, log, retryDelaysMs } = this.options;
    const applier = new ShardApplier(shard, { ...this.options, retryDelayMs: retryDelaysMs[0] });
    const runOnce = async () => (await this.applyOnce(applier)) === batchSize;
    const loop = createLoop({ name: `apply-shard-${shard}`, runOnce, idleMs: pauseMs, log, backoff: APPLY_BACKOFF });
    this.running.set(shard, { applier, loop });
    await loop.start();
  }

  private async applyOnce(applier: ShardApplier): Promise<number> {
    try {
      const entries = await applier.runOnce();
      this.stopped.delete(applier.shard);
      return entries;
    } catch (error) {
      if (isStop(error)) this.stopped.set(applier.shard, error);
      throw error;
    }
  }

  private async stopShard(shard: number): Promise<void> {
    const running = this.running.get(shard);
    this.running.delete(shard);
    this.stopped.delete(shard);
    await running?.loop.stop();
  }

  /** Not while PostgreSQL is behind: then no applier knows a watermark, and the streams are all there is. */
  private async trim(): Promise<boolean> {
    for (const { applier } of this.running.values()) await trimShard(this.options, applier);
    return false;
  }
}

const isStop = (error: unknown): error is Error =>
  error instanceof StreamGapError || error instanceof PostgresBehindError || error instanceof NewerEventError;

/** Drops what is applied of a shard's stream, but for what is kept for readers that come back. */
export async function trimShard(
  { redis, names, retentionMs }: Pick<EventWorkerOptions, "redis" | "names" | "retentionMs">,
  applier: ShardApplier,
): Promise<void> {
  await applier.markNow();
  const committedId = applier.committedId();
  if (committedId === null) return;
  await trimEvents(redis, names, { shard: applier.shard, minId: trimPoint(committedId, retentionMs) });
}

/**
 * Up to where a shard's stream may be trimmed: so much time behind the last committed entry, for sockets and other
 * readers that were away for a moment. Ids carry Redis's clock, so no clock is asked.
 */
function trimPoint(committedId: string, retentionMs: number): string {
  return `${Math.max(0, Number(committedId.split("-")[0]) - retentionMs)}-0`;
}
