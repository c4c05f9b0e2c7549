/**
 * The pass that keeps the stores the same: what changed lately, what a worker found differing, and a rolling slice of what is
 * quiet is compared, and what differs is repaired from the rows. Nothing is taken off a list before it was compared, so a
 * pass that is killed is done again by the next.
 */
import { readProjectIds } from "@votesync/postgres-store";
import {
  type ChangedProject,
  dropChecked,
  dropDrifted,
  isOneKeysTrouble,
  readChanged,
  readDrifted,
} from "@votesync/redis-store";
import { type Comparison, compareProjects } from "./compare-projects.js";
import { type ProjectLoader, ShardBehindError } from "./project-loader.js";
import { repairProject } from "./repair-project.js";
import type { Stores } from "./stores.js";

const PROJECTS_PER_COMPARISON = 200;
const CHANGED_PER_PASS = 5_000;
const DRIFTED_PER_PASS = 500;
const REPAIRS_AT_ONCE = 8;

export interface ReconcileReport {
  compared: number;
  repaired: { project_id: string; drift: Comparison["drift"] }[];
  /** Looked at again by the next pass: votes of them are on their way, or they did not stand still. */
  waiting: number;
}

const emptyReport = (): ReconcileReport => ({ compared: 0, repaired: [], waiting: 0 });

export class Reconciler {
  constructor(
    private readonly stores: Stores,
    private readonly loader: ProjectLoader,
  ) {}

  /** What changed in a shard since the last pass, and what was found differing. */
  async passShard(shard: number): Promise<ReconcileReport> {
    const { redis, names } = this.stores;
    const changed = await readChanged(redis, names, { shard, limit: CHANGED_PER_PASS });
    const drifted = new Set(await readDrifted(redis, names, { shard, limit: DRIFTED_PER_PASS }));
    const suspects = await this.check(shard, [...drifted], true);
    await dropDrifted(redis, names, { shard, projectIds: suspects.done });
    const rest = changed.filter(({ projectId }) => !drifted.has(projectId));
    const others = await this.check(
      shard,
      rest.map(({ projectId }) => projectId),
      false,
    );
    const done = new Set([...suspects.done, ...others.done]);
    const checked: ChangedProject[] = changed.filter(({ projectId }) => done.has(projectId));
    await dropChecked(redis, names, { shard, checked });
    return mergeReports([suspects.report, others.report]);
  }

  /** Some projects of any shards, rows counted. */
  async passProjects(projectIds: readonly string[]): Promise<ReconcileReport> {
    const reports: ReconcileReport[] = [];
    for (const shard of this.stores.names.allShards()) {
      const ids = projectIds.filter((id) => this.stores.names.shardOf(id) === shard);
      if (ids.length > 0) reports.push((await this.check(shard, ids, true)).report);
    }
    return mergeReports(reports);
  }

  /** All projects there are, rows counted. */
  async passAll(onProgress: (report: ReconcileReport) => void = () => undefined): Promise<ReconcileReport> {
    const all = emptyReport();
    let afterId = "";
    do {
      const slice = await this.passSlice(afterId, PROJECTS_PER_COMPARISON);
      addReport(all, slice.report);
      onProgress(all);
      afterId = slice.nextAfterId;
    } while (afterId !== "");
    return all;
  }

  /** The next `limit` projects by id, rows counted. @returns where to go on; from the start after the last one */
  async passSlice(afterId: string, limit: number): Promise<{ report: ReconcileReport; nextAfterId: string }> {
    const ids = await readProjectIds(this.stores.pool, { afterId, limit });
    const report = await this.passProjects(ids);
    return { report, nextAfterId: ids.length < limit ? "" : (ids.at(-1) ?? "") };
  }

  /** @returns `done`: projects that are the same now */
  private async check(shard: number, projectIds: string[], countRows: boolean) {
    const report = emptyReport();
    const done: string[] = [];
    for (let from = 0; from < projectIds.length; from += PROJECTS_PER_COMPARISON) {
      const page = projectIds.slice(from, from + PROJECTS_PER_COMPARISON);
      const comparisons = await compareProjects(this.stores, { shard, projectIds: page, countRows });
      report.compared += comparisons.length;
      const drifts = comparisons.filter(({ verdict }) => verdict === "drift");
      const repaired = await this.repair(drifts);
      report.repaired.push(...repaired.map(({ projectId, drift }) => ({ project_id: projectId, drift })));
      const same = comparisons.filter(({ verdict }) => verdict === "same");
      report.waiting += comparisons.length - same.length - repaired.length;
      // Projects that do not exist (any more) have no comparison and are done with.
      const known = new Set(comparisons.map(({ projectId }) => projectId));
      const gone = page.filter((id) => !known.has(id));
      done.push(...gone, ...[...same, ...repaired].map(({ projectId }) => projectId));
    }
    return { report, done };
  }

  /** @returns those that were repaired; a project whose shard is behind, or that is in trouble of its own, waits for the next pass */
  private async repair(drifts: Comparison[]): Promise<Comparison[]> {
    const repaired: Comparison[] = [];
    for (let from = 0; from < drifts.length; from += REPAIRS_AT_ONCE) {
      const batch = drifts.slice(from, from + REPAIRS_AT_ONCE);
      const outcomes = await Promise.all(batch.map((drift) => this.repairOne(drift)));
      repaired.push(...batch.filter((_, i) => outcomes[i]));
    }
    return repaired;
  }

  private async repairOne(comparison: Comparison): Promise<boolean> {
    try {
      await repairProject(this.stores, this.loader, comparison);
      return true;
    } catch (error) {
      if (error instanceof ShardBehindError || isOneKeysTrouble(error)) return false;
      throw error;
    }
  }
}

export function mergeReports(reports: readonly ReconcileReport[]): ReconcileReport {
  const all = emptyReport();
  for (const report of reports) addReport(all, report);
  return all;
}

function addReport(all: ReconcileReport, { compared, repaired, waiting }: ReconcileReport): void {
  all.compared += compared;
  for (const project of repaired) all.repaired.push(project);
  all.waiting += waiting;
}
