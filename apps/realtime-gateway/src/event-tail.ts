/**
 * Follows the shards of all watched projects, and only those: a shard's tail starts with its first watched project and
 * ends with its last, so an idle gateway reads nothing.
 *
 * One pass over all tails every fold window, rather than a blocking read per shard: all reads travel in one round trip
 * on the one connection, nothing hangs in a read that never returns, and the window does the folding.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ProjectCounts } from "@votesync/core";
import { ShardTail, type ShardTailDeps } from "./shard-tail.js";
import type { Snapshot } from "./snapshot.js";

/** Many times what a pass takes when all is well. */
const PATIENCE_MS = 100;

export class EventTail {
  private readonly tails = new Map<number, ShardTail>();
  /** Project id → who watches it: its room, and the board it is on. */
  private readonly watchers = new Map<string, number>();

  constructor(private readonly deps: ShardTailDeps) {}

  /** A room of sockets that watch the project was opened. */
  watch(projectId: string): void {
    const watchers = (this.watchers.get(projectId) ?? 0) + 1;
    this.watchers.set(projectId, watchers);
    if (watchers > 1) return;
    const shard = this.deps.names.shardOf(projectId);
    const tail = this.tails.get(shard) ?? new ShardTail(shard, this.deps);
    this.tails.set(shard, tail);
    tail.watch(projectId);
  }

  /** Such a room was closed. */
  unwatch(projectId: string): void {
    const watchers = (this.watchers.get(projectId) ?? 0) - 1;
    if (watchers > 0) {
      this.watchers.set(projectId, watchers);
      return;
    }
    this.watchers.delete(projectId);
    const shard = this.deps.names.shardOf(projectId);
    if (this.tails.get(shard)?.unwatch(projectId) === true) this.tails.delete(shard);
  }

  /** Resolves once every later event on these projects, which are watched, will be told. @throws when Redis does not answer */
  async open(projectIds: readonly string[]): Promise<void> {
    await Promise.all(this.tailsOf(projectIds).map((tail) => tail.open()));
  }

  /**
   * The current counts of watched projects, such that every event after them will be told.
   * @throws when Redis or PostgreSQL does not answer
   */
  async readCurrent(projectIds: readonly string[]): Promise<Snapshot> {
    await this.open(projectIds);
    const snapshot = await this.deps.readSnapshot(projectIds);
    for (const [id, counts] of snapshot) snapshot.set(id, this.catchUp(id, counts));
    return snapshot;
  }

  /**
   * One fold window's work. Never rejects: each tail sees to its own failures. Nor does it wait long for any of them:
   * in a cluster each shard may live on another node, and one that hangs must not hold up the others.
   */
  async pass(): Promise<void> {
    const passes = [...this.tails.values()].map((tail) => tail.pass());
    await Promise.race([Promise.all(passes), delay(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** How long until every shard may be read again that is not being read. */
  get restMs(): number {
    const due = [...this.tails.values()].map(({ dueAtMs }) => dueAtMs).filter(Number.isFinite);
    return due.length === 0 ? this.deps.paceMs : Math.max(0, Math.max(...due) - this.deps.nowMs());
  }

  /** How many projects have watchers. */
  get projects(): number {
    return [...this.tails.values()].reduce((sum, tail) => sum + tail.projects, 0);
  }

  /** How many shards are read. */
  get shards(): number {
    return this.tails.size;
  }

  private catchUp(projectId: string, counts: ProjectCounts): ProjectCounts {
    return this.tails.get(this.deps.names.shardOf(projectId))?.catchUp(projectId, counts) ?? counts;
  }

  private tailsOf(projectIds: readonly string[]): ShardTail[] {
    const shards = new Set(projectIds.map((id) => this.deps.names.shardOf(id)));
    return [...shards].flatMap((shard) => this.tails.get(shard) ?? []);
  }
}
