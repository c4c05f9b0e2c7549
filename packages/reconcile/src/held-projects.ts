/**
 * Loads projects that are held and that nobody has loaded: of a shard that was rebuilt, or whose holder died or met a shard that
 * was behind. Nobody may vote on them fast, and their watchers see an old count, until somebody loads them.
 *
 * It works from the lists in Redis alone, so any replica finishes what another one began. A load takes the token the project is
 * held with, so two replicas that load the same project do not get into each other's way. A project leaves the list once
 * it is not held any more; one that PostgreSQL does not know (any more) leaves Redis.
 */
import { finishReload, type ProjectHold, readHold, takeReloads } from "@votesync/redis-store";
import { type ProjectLoader, ShardBehindError } from "./project-loader.js";
import type { Stores } from "./stores.js";

const PROJECTS_PER_RUN = 200;
const PROJECTS_AT_ONCE = 8;
/** Much less than whoever is asked for by a vote waits: those that have to wait come again in a second. */
const APPLIED_MS = 100;

export interface ReloadReport {
  /** They are not held any more. */
  done: number;
  /** Their shard is not applied yet, or somebody has held them anew: they stay on the list. */
  waiting: number;
  /** Whether there may be more to do at once. */
  more: boolean;
}

interface DueProject {
  projectId: string;
  /** When it was taken off the list, µs of Redis's clock. */
  nowUs: number;
}

export class HeldProjects {
  constructor(
    private readonly stores: Stores,
    private readonly loader: ProjectLoader,
  ) {}

  /**
   * Loads what is due, a bounded part of it.
   * @throws the first failure, once all others had their turn; those that failed come again
   */
  async runOnce(): Promise<ReloadReport> {
    const { due, more } = await this.take();
    const report: ReloadReport = { done: 0, waiting: 0, more };
    const failures: unknown[] = [];
    for (let from = 0; from < due.length; from += PROJECTS_AT_ONCE) {
      const batch = due.slice(from, from + PROJECTS_AT_ONCE);
      const outcomes = await Promise.allSettled(batch.map((project) => this.reload(project)));
      const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
      // All of them: a store is away, and the rest would fail the same way.
      if (failed.length === batch.length) throw failed[0];
      failures.push(...failed);
      const done = outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
      report.done += done;
      report.waiting += batch.length - failed.length - done;
    }
    if (failures.length > 0) throw failures[0];
    return report;
  }

  private async take(): Promise<{ due: DueProject[]; more: boolean }> {
    const { redis, names } = this.stores;
    const limit = Math.ceil(PROJECTS_PER_RUN / names.shards);
    const taken = await Promise.all(names.allShards().map((shard) => takeReloads(redis, names, { shard, limit })));
    const due = taken.flatMap(({ projectIds, nowUs }) => projectIds.map((projectId) => ({ projectId, nowUs })));
    return { due, more: taken.some(({ projectIds }) => projectIds.length === limit) };
  }

  /** @returns whether it is not held any more */
  private async reload({ projectId, nowUs }: DueProject): Promise<boolean> {
    const { redis, names } = this.stores;
    const hold = await readHold(redis, names, { projectId, nowUs });
    const missing = hold !== null && !(await this.load(projectId, hold)) ? hold.held : "";
    return (await finishReload(redis, names, { projectId, missing })) !== "held";
  }

  /** @returns `false` when there is no such project */
  private async load(projectId: string, hold: ProjectHold): Promise<boolean> {
    try {
      return await this.loader.load(projectId, hold, APPLIED_MS);
    } catch (error) {
      if (error instanceof ShardBehindError) return true;
      throw error;
    }
  }
}
