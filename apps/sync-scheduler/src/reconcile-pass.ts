/**
 * The pass every SYNC_INTERVAL_MS: each shard that no other replica is busy with, then a slice of all projects, then the sort
 * keys of lists. Replicas share the shards by advisory locks; a replica that dies leaves its lock with its connection, and
 * the next pass of any other does its shard. One shard in trouble does not keep the others from their turn.
 */
import { ADVISORY_LOCKS } from "@votesync/core";
import { readCheckedUntil, refreshRankings, tryAdvisoryLock, writeCheckedUntil } from "@votesync/postgres-store";
import { mergeReports, type ReconcileReport, type Reconciler, type Stores } from "@votesync/reconcile";
import type { Logger } from "@votesync/service-kit";

/** Quiet projects looked at in a pass, over all shards: a million are through in a night. */
const SLICE = 1_000;
const RANKING_BATCHES = 100;

export interface ReconcilePassDeps {
  stores: Stores;
  reconciler: Reconciler;
  log: Logger;
}

export interface PassReport extends ReconcileReport {
  /** Shards that could not be compared now. */
  failed: number;
}

export class ReconcilePass {
  constructor(private readonly deps: ReconcilePassDeps) {}

  async runOnce(): Promise<PassReport> {
    const { names } = this.deps.stores;
    const reports: (ReconcileReport | null)[] = [];
    for (const shard of names.allShards()) {
      reports.push(await this.attempt(shard, () => this.deps.reconciler.passShard(shard)));
    }
    // Beyond the shards: the slice is of all of them.
    reports.push(await this.attempt(names.shards, () => this.passSlice()));
    await this.refreshRankings();
    const done = reports.filter((report) => report !== null);
    return { ...mergeReports(done), failed: reports.length - done.length };
  }

  /** @returns an empty report when another replica is at it, `null` when it failed */
  private async attempt(object: number, work: () => Promise<ReconcileReport>): Promise<ReconcileReport | null> {
    try {
      const report = await tryAdvisoryLock(this.deps.stores.pool, ADVISORY_LOCKS.shardReconcile, object, work);
      return report ?? mergeReports([]);
    } catch (error) {
      this.deps.log.warn(
        { err: error, shard: object },
        "could not compare this shard, trying again with the next pass",
      );
      return null;
    }
  }

  private async passSlice(): Promise<ReconcileReport> {
    const { stores, reconciler } = this.deps;
    const { report, nextAfterId } = await reconciler.passSlice(await readCheckedUntil(stores.pool), SLICE);
    await writeCheckedUntil(stores.pool, nextAfterId);
    return report;
  }

  private async refreshRankings(): Promise<void> {
    for (let batch = 0; batch < RANKING_BATCHES; batch++) {
      if (!(await refreshRankings(this.deps.stores.pool)).more) return;
    }
  }
}
