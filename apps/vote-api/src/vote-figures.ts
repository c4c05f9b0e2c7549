/**
 * `GET /api/votes/metrics`: figures over all replicas. Each counts for itself and adds what is new to the shared counters
 * twice a second and before it answers, so a vote costs nothing here and histograms are added up, never averages averaged.
 */
import { latencyBucket, latencyPercentile, type RedisNames } from "@votesync/core";
import { countFailures, readShardProgress } from "@votesync/postgres-store";
import {
  addVoteFigures,
  type RedisClient,
  readBacklog,
  readVoteFigures,
  type VoteFigures,
} from "@votesync/redis-store";
import { createLoop, type Logger, type Service } from "@votesync/service-kit";
import type { RequestHandler } from "express";
import type pg from "pg";

const FLUSH_MS = 500;

export interface VoteFiguresDeps {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
  log: Logger;
}

type Delta = VoteFigures & { lastLatencyUs: number | null };

const nothing = (): Delta => ({ votes: 0, errors: 0, latencyUs: 0, buckets: new Map(), lastLatencyUs: null });

export class VoteFigureCounter {
  private delta = nothing();
  private readonly loop: Service;

  constructor(private readonly deps: VoteFiguresDeps) {
    const runOnce = async () => {
      await this.flush();
      return false;
    };
    this.loop = createLoop({ name: "vote-figures", runOnce, idleMs: FLUSH_MS, log: deps.log });
  }

  /** Every answer to a vote. The caller's own mistakes (4xx) are neither votes nor errors. */
  record(status: number, latencyMs: number): void {
    if (status >= 400 && status < 500) return;
    const { delta } = this;
    if (status >= 500) {
      delta.errors++;
      return;
    }
    delta.votes++;
    delta.latencyUs += latencyMs * 1_000;
    delta.lastLatencyUs = latencyMs * 1_000;
    const bucket = latencyBucket(latencyMs);
    delta.buckets.set(bucket, (delta.buckets.get(bucket) ?? 0) + 1);
  }

  /** What could not be added is kept for the next time. */
  async flush(): Promise<void> {
    const { delta } = this;
    if (delta.votes + delta.errors === 0) return;
    this.delta = nothing();
    try {
      await addVoteFigures(this.deps.redis, this.deps.names, delta);
    } catch (error) {
      this.delta = sum(delta, this.delta);
      throw error;
    }
  }

  service(): Service {
    return {
      name: "vote-figures",
      start: () => this.loop.start(),
      stop: async () => {
        await this.loop.stop();
        await this.flush().catch(() => undefined);
      },
    };
  }

  /** Figures of all; without Redis this replica's own since it could last add them up. */
  async read() {
    await this.flush().catch(() => undefined);
    const shared = await readVoteFigures(this.deps.redis, this.deps.names).catch(() => null);
    const [queue, failures] = await Promise.all([
      this.readQueue().catch(() => null),
      countFailures(this.deps.pool, this.deps.names.allShards()).catch(() => null),
    ]);
    return {
      ...view(shared === null ? this.delta : shared),
      replicas: shared === null ? "this one" : "all",
      queue_depth: queue?.depth ?? null,
      worker_lag_ms: queue?.lagMs ?? null,
      dead_letters: failures?.deadLetters ?? null,
    };
  }

  private async readQueue(): Promise<{ depth: number; lagMs: number }> {
    const { redis, names, pool } = this.deps;
    const [seconds, microseconds] = await redis.time();
    const nowMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    const progress = await readShardProgress(pool);
    const backlogs = await Promise.all(
      [...progress].map(([shard, afterId]) => readBacklog(redis, names, { shard, afterId })),
    );
    const oldestMs = Math.min(...backlogs.map(({ oldestMs }) => oldestMs ?? Number.POSITIVE_INFINITY));
    return {
      depth: backlogs.reduce((total, { entries }) => total + entries, 0),
      lagMs: Number.isFinite(oldestMs) ? Math.max(0, Math.round(nowMs - oldestMs)) : 0,
    };
  }
}

function sum(a: Delta, b: Delta): Delta {
  const buckets = new Map(a.buckets);
  for (const [bucket, count] of b.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  return {
    votes: a.votes + b.votes,
    errors: a.errors + b.errors,
    latencyUs: a.latencyUs + b.latencyUs,
    lastLatencyUs: b.lastLatencyUs ?? a.lastLatencyUs,
    buckets,
  };
}

const ms = (value: number | null) => (value === null ? null : Math.round(value * 100) / 100);

function view({ votes, errors, latencyUs, lastLatencyUs, buckets }: Delta) {
  const all = votes + errors;
  return {
    total_votes: votes,
    total_errors: errors,
    success_rate: all === 0 ? 100 : Math.round((votes / all) * 10_000) / 100,
    avg_latency_ms: votes === 0 ? null : ms(latencyUs / votes / 1_000),
    last_latency_ms: lastLatencyUs === null ? null : ms(lastLatencyUs / 1_000),
    p50_ms: ms(latencyPercentile(buckets, 0.5)),
    p95_ms: ms(latencyPercentile(buckets, 0.95)),
    p99_ms: ms(latencyPercentile(buckets, 0.99)),
  };
}

export const voteMetricsHandler =
  (figures: VoteFigureCounter): RequestHandler =>
  async (_req, res) => {
    res.json(await figures.read());
  };
