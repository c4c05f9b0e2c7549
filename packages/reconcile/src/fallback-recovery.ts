/**
 * After the fallback: makes Redis know the votes that went past it. It works from the rows of `outbox` alone, so any process
 * can do it, also when the one that took the votes is gone.
 *
 * Per project: hold it in Redis, so that nobody votes on what is out of date; hand over the answers to Idempotency-Keys;
 * load it anew once the shard is applied; only then take the mark away. Killed
 * in between, the next run starts over: every step may be repeated. A vote that comes in meanwhile leaves a mark of its own.
 */
import {
  type DegradedProject,
  findDegradedProjects,
  markRecovered,
  markReloaded,
  type OutboxVote,
  readOutbox,
  readPendingReloads,
} from "@votesync/postgres-store";
import { holdProject, isHeld, rememberAnswer } from "@votesync/redis-store";
import { type ProjectLoader, ShardBehindError } from "./project-loader.js";
import type { Stores } from "./stores.js";

const PROJECTS_AT_ONCE = 8;
const PROJECTS_PER_RUN = 200;
const VOTES_PER_PROJECT = 1_000;

export interface RecoveryReport {
  recovered: number;
  /** Their shard is not applied yet, or somebody else recovers them: they stay held, and degraded. */
  waiting: number;
  /** Whether there may be more. */
  more: boolean;
}

export class FallbackRecovery {
  constructor(
    private readonly stores: Stores,
    private readonly loader: ProjectLoader,
  ) {}

  /** Holds every degraded project: from then on no vote is cast on what Redis does not fully know. */
  async holdDegraded(): Promise<void> {
    const { redis, names, pool } = this.stores;
    const degraded = await findDegradedProjects(pool, Number.MAX_SAFE_INTEGER);
    await Promise.all(degraded.map(({ projectId }) => holdProject(redis, names, { projectId, reason: "recovered" })));
  }

  /** Recovers what is degraded now, a bounded part of it. */
  async runOnce(): Promise<RecoveryReport> {
    const degraded = await findDegradedProjects(this.stores.pool, PROJECTS_PER_RUN);
    const report = { recovered: 0, waiting: 0, more: degraded.length === PROJECTS_PER_RUN };
    for (let from = 0; from < degraded.length; from += PROJECTS_AT_ONCE) {
      const batch = degraded.slice(from, from + PROJECTS_AT_ONCE);
      const done = await Promise.all(batch.map((project) => this.recover(project)));
      report.recovered += done.filter(Boolean).length;
      report.waiting += done.filter((recovered) => !recovered).length;
    }
    return report;
  }

  /**
   * @returns `false` when the project stays held, and is recovered later: its shard is not applied yet, or another recovery
   * has held it after this one did, and is about to load it
   */
  async recover(project: DegradedProject): Promise<boolean> {
    const { redis, names, pool } = this.stores;
    const votes = await readOutbox(pool, project, VOTES_PER_PROJECT);
    const reloads = await readPendingReloads(pool, project.projectId);
    const hold = await holdProject(redis, names, { projectId: project.projectId, reason: "recovered" });
    await this.rememberAnswers(votes);
    let exists: boolean;
    try {
      exists = await this.loader.load(project.projectId, hold);
    } catch (error) {
      if (error instanceof ShardBehindError) return false;
      throw error;
    }
    if (exists && (await isHeld(redis, names, project.projectId))) return false;
    await markRecovered(
      pool,
      votes.map(({ answer }) => answer.requestId),
    );
    await markReloaded(pool, reloads);
    return true;
  }

  private async rememberAnswers(votes: OutboxVote[]): Promise<void> {
    const { redis, names } = this.stores;
    await Promise.all(
      votes.map(({ answer, idempotency }) =>
        idempotency === null ? undefined : rememberAnswer(redis, names, { answer, ...idempotency }),
      ),
    );
  }
}
