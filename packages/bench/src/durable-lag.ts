/**
 * How long after its acceptance a vote is committed to PostgreSQL. Seen from outside: a watcher notes when each shard's
 * `last_id` moved, and every vote before it was committed by then.
 */
import { setTimeout as delay } from "node:timers/promises";
import { compareStreamIds } from "@votesync/core";
import { readShardProgress } from "@votesync/postgres-store";
import type pg from "pg";

const LOOK_EVERY_MS = 5;

export interface LagPercentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

interface Look {
  atMs: number;
  lastId: string;
}

export class DurableLag {
  private readonly looks = new Map<number, Look[]>();
  private readonly startedAtMs = Date.now();
  private watching = true;
  private readonly watch: Promise<void>;

  constructor(private readonly pool: pg.Pool) {
    this.watch = this.look();
  }

  /** Of the votes that were accepted since this began and are committed by now. */
  async stop(): Promise<LagPercentiles> {
    this.watching = false;
    await this.watch;
    const { rows } = await this.pool.query<{ shard: number; stream_id: string; accepted_ms: number }>(
      `SELECT split_part(request_id, '.', 1)::int AS shard, stream_id,
              (extract(epoch FROM accepted_at) * 1000)::float8 AS accepted_ms
         FROM vote_events
        WHERE accepted_at >= to_timestamp($1::float8 / 1000)`,
      [this.startedAtMs],
    );
    const lags = rows
      .map((row) => this.committedAtMs(row.shard, row.stream_id) - row.accepted_ms)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const at = (share: number) => lags[Math.floor(lags.length * share)] ?? Number.NaN;
    return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
  }

  private async look(): Promise<void> {
    while (this.watching) {
      const progress = await readShardProgress(this.pool);
      const atMs = Date.now();
      for (const [shard, lastId] of progress) this.note(shard, { atMs, lastId });
      await delay(LOOK_EVERY_MS);
    }
  }

  private note(shard: number, look: Look): void {
    const looks = this.looks.get(shard) ?? [];
    this.looks.set(shard, looks);
    if (looks.at(-1)?.lastId !== look.lastId) looks.push(look);
  }

  /** When the first look saw it committed; `Infinity`: none did. */
  private committedAtMs(shard: number, streamId: string): number {
    const looks = this.looks.get(shard) ?? [];
    let from = 0;
    let to = looks.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareStreamIds((looks[middle] as Look).lastId, streamId) < 0) from = middle + 1;
      else to = middle;
    }
    return looks[from]?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
