/**
 * After the fallback: makes Redis know the votes that went past it. It works from the rows of `outbox` alone, so any process
 * can do it, also when the one that took the votes is gone.
 *
 * Per project: hold it in Redis, so that nobody votes on what is out of date; hand over the answers to Idempotency-Keys;
 * load it anew once the shard is applied; only then take the mark away. Killed
 * in between, the next run starts over: every step may be repeated. A vote that comes in meanwhile leaves a mark of its own.
 *
 * Replicas do this side by side and do not undo each other's work: a hold says up to which marks it reaches, and whoever knows of
 * no newer mark keeps it. There may be more degraded projects than fit into memory or into one batch of commands: everything
 * goes page by page, and no wait is longer than a command or a statement may take.
 */
import {
  type DegradedProject,
  findDegradedProjects,
  type MarkedProject,
  markRecovered,
  markReloaded,
  type OutboxVote,
  readOutbox,
  readOutboxClock,
  readPendingReloads,
} from "@votesync/postgres-store";
import {
  coversMarks,
  type HoldMarks,
  type HoldRequest,
  holdProject,
  holdProjects,
  MAX_HOLDS_AT_ONCE,
  rememberAnswer,
  unlessDamaged,
} from "@votesync/redis-store";
import { type ProjectLoader, ShardBehindError } from "./project-loader.js";
import type { Stores } from "./stores.js";

const PROJECTS_AT_ONCE = 8;
const PROJECTS_PER_RUN = 200;
const VOTES_PER_PROJECT = 1_000;
const ANSWERS_AT_ONCE = 50;
/** Held by a command per 500: one statement for all of them, as it may have to sort every mark there is. */
const PROJECTS_PER_PAGE = 5_000;
/** A vote is seen no later than this after it was accepted: its transaction is over by then. */
const COMMITTED_WITHIN_US = 5_000_000;

export interface RecoveryReport {
  recovered: number;
  /** Their shard is not applied yet, or somebody else recovers them: they stay held, and degraded. */
  waiting: number;
  /** Whether there may be more. */
  more: boolean;
}

export class FallbackRecovery {
  /** Where the next run goes on, so that projects that have to wait do not keep the others from their turn. */
  private after: DegradedProject | null = null;
  /** Votes accepted later than this, µs of Redis's clock, may be on projects that are not held yet. */
  private heldUntilUs = 0;

  constructor(
    private readonly stores: Stores,
    private readonly loader: ProjectLoader,
  ) {}

  /** Holds every degraded project: from then on no vote is cast on what Redis does not fully know. */
  async holdDegraded(): Promise<void> {
    const pages = await this.holdSince(0);
    // Other replicas took votes meanwhile.
    if (pages > 1) await this.holdSince(this.heldUntilUs);
  }

  /** @returns how many pages there were */
  private async holdSince(acceptedSinceUs: number): Promise<number> {
    const { pool } = this.stores;
    const nowUs = await readOutboxClock(pool);
    let after: DegradedProject | null = null;
    let pages = 0;
    do {
      const page: MarkedProject[] = await findDegradedProjects(pool, {
        limit: PROJECTS_PER_PAGE,
        after,
        acceptedSinceUs,
      });
      await this.holdPage(page);
      after = page.length === PROJECTS_PER_PAGE ? (page.at(-1) ?? null) : null;
      pages++;
    } while (after !== null);
    this.heldUntilUs = Math.max(0, nowUs - COMMITTED_WITHIN_US);
    return pages;
  }

  /** @param page ordered by shard */
  private async holdPage(page: MarkedProject[]): Promise<void> {
    for (let from = 0; from < page.length; ) {
      const shard = page[from]?.shard as number;
      const batch = page.slice(from, from + MAX_HOLDS_AT_ONCE).filter((project) => project.shard === shard);
      const projects = batch.map(({ projectId, voteVersion, reloadId }) => ({
        projectId,
        marks: { voteVersion, reloadId },
      }));
      await this.holdBatch(shard, projects);
      from += batch.length;
    }
  }

  /** One damaged project fails the command for all of them: then each is held by itself. */
  private async holdBatch(shard: number, projects: HoldRequest[]): Promise<void> {
    const { redis, names } = this.stores;
    if ((await unlessDamaged(holdProjects(redis, names, { shard, projects, reason: "recovered" }))) !== undefined)
      return;
    for (const project of projects) await holdProject(redis, names, { ...project, reason: "recovered" });
  }

  /** Recovers what is degraded now, a bounded part of it. */
  async runOnce(): Promise<RecoveryReport> {
    const page = await this.nextPage();
    const report = { recovered: 0, waiting: 0, more: page.length === PROJECTS_PER_RUN };
    // It takes many runs until all of them had their turn; new ones are held at once.
    if (report.more) await this.holdSince(this.heldUntilUs);
    const behind = new Set<number>();
    for (let from = 0; from < page.length; from += PROJECTS_AT_ONCE) {
      const batch = page.slice(from, from + PROJECTS_AT_ONCE);
      // Also when it fails: whatever is wrong with it is not wrong with those after it.
      this.after = batch.at(-1) ?? null;
      const done = await Promise.all(batch.map((project) => this.recoverInTurn(project, behind)));
      report.recovered += done.filter(Boolean).length;
      report.waiting += done.filter((recovered) => !recovered).length;
    }
    if (!report.more) this.after = null;
    return report;
  }

  private async nextPage(): Promise<DegradedProject[]> {
    const { pool } = this.stores;
    const page = await findDegradedProjects(pool, { limit: PROJECTS_PER_RUN, after: this.after });
    if (page.length > 0 || this.after === null) return page;
    return findDegradedProjects(pool, { limit: PROJECTS_PER_RUN });
  }

  /** Nobody waits for a shard that another project of this run has waited for in vain. */
  private async recoverInTurn(project: DegradedProject, behind: Set<number>): Promise<boolean> {
    const recovered = await this.recover(project, behind.has(project.shard) ? 0 : undefined);
    if (!recovered) behind.add(project.shard);
    return recovered;
  }

  /**
   * @returns `false` when the project stays held, and is recovered later: its shard is not applied yet, or somebody has held it
   * who does not know of these votes. Held again by another replica's recovery it counts as recovered: whoever loads it now
   * reads rows that have them
   * @param waitMs how long to wait for the shard
   */
  async recover(project: DegradedProject, waitMs?: number): Promise<boolean> {
    const { redis, names, pool } = this.stores;
    const votes = await readOutbox(pool, project, VOTES_PER_PROJECT);
    const reloads = await readPendingReloads(pool, project.projectId);
    // Another replica has done it since this one read the list.
    if (votes.length === 0 && reloads.length === 0) return true;
    const marks: HoldMarks = { voteVersion: votes.at(-1)?.answer.version ?? 0, reloadId: Math.max(0, ...reloads) };
    const hold = await holdProject(redis, names, { projectId: project.projectId, reason: "recovered", marks });
    await this.rememberAnswers(votes);
    let exists: boolean;
    try {
      exists = await this.loader.load(project.projectId, hold, waitMs);
    } catch (error) {
      if (error instanceof ShardBehindError) return false;
      throw error;
    }
    if (exists && !(await coversMarks(redis, names, { projectId: project.projectId, marks }))) return false;
    await markRecovered(
      pool,
      votes.map(({ answer }) => answer.requestId),
    );
    await markReloaded(pool, reloads);
    return true;
  }

  private async rememberAnswers(votes: OutboxVote[]): Promise<void> {
    const { redis, names } = this.stores;
    for (let from = 0; from < votes.length; from += ANSWERS_AT_ONCE) {
      const batch = votes.slice(from, from + ANSWERS_AT_ONCE);
      await Promise.all(
        batch.map(({ answer, idempotency }) =>
          idempotency === null ? undefined : rememberAnswer(redis, names, { answer, ...idempotency }),
        ),
      );
    }
  }
}
