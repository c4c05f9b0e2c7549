/**
 * What brings this replica and Redis back together after trouble, every half second: establishes trust, makes Redis know
 * the votes that went past it, whichever replica took them, and reads rebuilt projects anew.
 */
import type { FallbackRecovery, ProjectLoader, RecoveryReport } from "@votesync/reconcile";
import { createLoop, type Logger, type Loop } from "@votesync/service-kit";
import type { DegradedHere } from "./degraded-here.js";
import type { RedisTrust } from "./redis-trust.js";

const IDLE_MS = 500;
/** How often a Redis that is trusted is looked at again. */
const RECHECK_MS = 5_000;
const RELOADS_AT_ONCE = 8;

export interface RecoveryLoopDeps {
  trust: RedisTrust;
  recovery: FallbackRecovery;
  degraded: DegradedHere;
  loader: ProjectLoader;
  /** Told of every run that found something to do. */
  onRecovered: (report: RecoveryReport) => void;
  log: Logger;
}

export class RecoveryLoop {
  readonly loop: Loop;
  private readonly rebuilt: string[] = [];
  private recheckAtMs = 0;

  constructor(private readonly deps: RecoveryLoopDeps) {
    const runOnce = () => this.runOnce();
    this.loop = createLoop({ name: "recovery", runOnce, idleMs: IDLE_MS, log: deps.log, backoff: BACKOFF });
  }

  /** Projects of a rebuilt shard: whoever votes on one loads it; this loads the others. */
  reload(projectIds: readonly string[]): void {
    this.rebuilt.push(...projectIds);
  }

  async runOnce(): Promise<boolean> {
    const { trust } = this.deps;
    // Nothing to be done, and the connection says so itself.
    if (!trust.isConnected) return false;
    if (!trust.isCertain) await trust.ensure();
    await this.recheck();
    await this.recover();
    return this.reloadSome();
  }

  private async recheck(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.recheckAtMs) return;
    this.recheckAtMs = nowMs + RECHECK_MS;
    await this.deps.trust.recheck();
  }

  private async recover(): Promise<void> {
    const { recovery, degraded, onRecovered } = this.deps;
    await degraded.forgetIf(async () => {
      const report = await recovery.runOnce();
      const found = report.recovered + report.waiting > 0;
      if (found) onRecovered(report);
      return !found;
    });
  }

  private async reloadSome(): Promise<boolean> {
    const batch = this.rebuilt.splice(0, RELOADS_AT_ONCE);
    await Promise.all(batch.map((projectId) => this.deps.loader.reload(projectId, "rebuilt")));
    return this.rebuilt.length > 0;
  }
}

/** Short, because votes are degraded until it succeeds. */
const BACKOFF = { firstMs: 100, maxMs: 1_000 };
