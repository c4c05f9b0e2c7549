/**
 * What brings this replica and Redis back together after trouble, every half second: establishes trust, makes Redis know
 * the votes that went past it, whichever replica took them, and loads projects that nobody else has loaded: those of a rebuilt
 * shard, for one. All of this work is found in the stores, so what a replica leaves undone another one does.
 */
import type { FallbackRecovery, HeldProjects, RecoveryReport } from "@votesync/reconcile";
import { createLoop, type Logger, type Loop } from "@votesync/service-kit";
import type { DegradedHere } from "./degraded-here.js";
import type { RedisTrust } from "./redis-trust.js";

const IDLE_MS = 500;
const RECHECK_MS = 5_000;

export interface RecoveryLoopDeps {
  trust: RedisTrust;
  recovery: FallbackRecovery;
  degraded: DegradedHere;
  held: HeldProjects;
  /** Told of every run that found something to do. */
  onRecovered: (report: RecoveryReport) => void;
  /** How often a Redis that is trusted is looked at again. Default: every five seconds. */
  recheckMs?: number;
  log: Logger;
}

export class RecoveryLoop {
  readonly loop: Loop;
  private recheckAtMs = 0;

  constructor(private readonly deps: RecoveryLoopDeps) {
    const runOnce = () => this.runOnce();
    this.loop = createLoop({ name: "recovery", runOnce, idleMs: IDLE_MS, log: deps.log, backoff: BACKOFF });
  }

  async runOnce(): Promise<boolean> {
    const { trust } = this.deps;
    // Nothing to be done, and the connection says so itself.
    if (!trust.isConnected) return false;
    await this.recheck();
    if (!trust.isCertain) await trust.ensure();
    const { recovered, more } = await this.recover();
    // Its projects are held, and on the list of those to be reloaded too: to load them once is enough.
    if (more && recovered > 0) return true;
    return this.reloadHeld();
  }

  private async recheck(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.recheckAtMs) return;
    this.recheckAtMs = nowMs + (this.deps.recheckMs ?? RECHECK_MS);
    if (this.deps.trust.isCertain) await this.deps.trust.recheck();
  }

  private async recover(): Promise<RecoveryReport> {
    const { recovery, degraded, onRecovered } = this.deps;
    let report: RecoveryReport = { recovered: 0, waiting: 0, more: false };
    await degraded.forgetIf(async () => {
      report = await recovery.runOnce();
      const found = report.recovered + report.waiting > 0;
      if (found) onRecovered(report);
      return !found;
    });
    return report;
  }

  private async reloadHeld(): Promise<boolean> {
    const { held, log } = this.deps;
    const report = await held.runOnce();
    if (report.done + report.waiting > 0) log.info(report, "reloaded projects that were held");
    return report.more;
  }
}

/** Short, because votes are degraded until it succeeds. */
const BACKOFF = { firstMs: 100, maxMs: 1_000 };
