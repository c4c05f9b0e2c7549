/**
 * Walks all projects, a page at a time: rows against counters in both stores, votes in Redis against rows, the last event
 * against counters, and rows against the audit log. Memory holds one page, whatever the size of the installation.
 *
 * The walk does not wait at each page for votes that are on their way. It comes back to those projects, and all these waits
 * together take at most the patience.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  type LogBegin,
  type ReplayedProjects,
  readLogBegin,
  readProjectPage,
  replayProjects,
} from "@votesync/postgres-store";
import { type Comparison, compareProjects } from "../compare-projects.js";
import { findUntold } from "../last-told.js";
import type { Stores } from "../stores.js";
import { findWrongVoters } from "../voters.js";
import { addFindings, type Check, type CheckOptions, MAX_KEPT_FINDINGS, type VerifyReport } from "./report.js";

const PROJECTS_PER_PAGE = 2_000;
/** A page ends earlier when its projects have more votes than this; one project alone may have more. */
const VOTES_PER_PAGE = 50_000;
const SHARDS_AT_ONCE = 2;
const LOOK_AGAIN_MS = 500;
/** So many projects may be open before the walk stops to look at them again. */
const MAX_OPEN = 1_000;
const LOOKS_AT_LOG = 5;

export const projectsCheck: Check = {
  name: "projects",
  run: (stores, report, o) => new ProjectsWalk(stores, report, o).run(),
};

class ProjectsWalk {
  /** Projects whose votes were on their way at the last look. */
  private open: Comparison[] = [];
  private patienceMs: number;
  /** Where the audit log begins; `null` until it was looked up. */
  private log: { begin: LogBegin | null } | null = null;

  constructor(
    private readonly stores: Stores,
    private readonly report: VerifyReport,
    private readonly o: CheckOptions,
  ) {
    this.patienceMs = o.patienceMs;
  }

  async run(): Promise<void> {
    for await (const ids of pages(this.stores, this.o.projectIds)) {
      this.o.signal.throwIfAborted();
      const [judged] = await Promise.all([this.judge(ids), this.replay(ids)]);
      this.report.projects += judged.compared;
      for (const comparison of judged.open) this.open.push(comparison);
      if (this.open.length >= MAX_OPEN) await this.settle();
      this.o.onProgress?.(this.report);
    }
    await this.settle();
  }

  /** Looks again at what is open, until it has arrived or the patience is used up. */
  private async settle(): Promise<void> {
    while (this.open.length > 0 && this.patienceMs > 0) {
      const startedAtMs = performance.now();
      await delay(Math.min(LOOK_AGAIN_MS, this.patienceMs), undefined, { signal: this.o.signal });
      this.open = (await this.judge(this.open.map(({ projectId }) => projectId))).open;
      this.patienceMs -= performance.now() - startedAtMs;
    }
    addFindings(this.report, "waiting", this.open);
    this.open = [];
  }

  /** Compares projects in both stores. @returns those that cannot be judged yet */
  private async judge(ids: readonly string[]): Promise<{ compared: number; open: Comparison[] }> {
    const comparisons = await compareAll(this.stores, ids);
    const drifts = comparisons.filter(({ verdict }) => verdict === "drift");
    addFindings(this.report, "counters", drifts);
    const inRedis = comparisons.filter(({ verdict, redis }) => verdict === "same" && redis !== null);
    const wrong = await this.judgeRedis(inRedis.map(({ projectId }) => projectId));
    const counters = drifts.map(({ projectId }) => projectId);
    if (counters.length + wrong.length > 0) await this.o.onDiffering?.({ counters, redis: wrong });
    const open = comparisons.filter(({ verdict }) => verdict === "waiting" || verdict === "unsettled");
    return { compared: comparisons.length, open };
  }

  /** @returns the projects that are wrong in Redis though their counters are right */
  private async judgeRedis(ids: string[]): Promise<string[]> {
    const untold = await findUntold(this.stores, ids);
    addFindings(this.report, "told", untold);
    const wrong = new Set(untold);
    await findWrongVoters(this.stores, ids, (found) => {
      addFindings(this.report, "voters", found);
      for (const { projectId } of found) wrong.add(projectId);
    });
    return [...wrong];
  }

  private async replay(ids: string[]): Promise<void> {
    for (let look = 1; look <= LOOKS_AT_LOG; look++) {
      this.log ??= { begin: await readLogBegin(this.stores.pool) };
      const o = { projectIds: ids, log: this.log.begin, limit: MAX_KEPT_FINDINGS };
      const replayed = await replayProjects(this.stores.pool, o);
      if (replayed !== null) return this.addReplayed(replayed);
      // Old months were dropped meanwhile.
      this.log = null;
    }
    throw new Error("the beginning of the audit log keeps changing: verify again once old events are dropped");
  }

  private addReplayed({ rows, olderThanLog, differences, differing }: ReplayedProjects): void {
    this.report.rows += rows;
    this.report.older_than_log += olderThanLog;
    addFindings(this.report, "replay", differences, differing);
  }
}

async function* pages(stores: Stores, projectIds: readonly string[] | undefined): AsyncGenerator<string[]> {
  if (projectIds !== undefined) {
    for (let from = 0; from < projectIds.length; from += PROJECTS_PER_PAGE) {
      yield projectIds.slice(from, from + PROJECTS_PER_PAGE);
    }
    return;
  }
  for (let afterId = ""; ; ) {
    const limits = { limit: PROJECTS_PER_PAGE, maxVotes: VOTES_PER_PAGE };
    const ids = await readProjectPage(stores.pool, { afterId, ...limits });
    if (ids.length === 0) return;
    yield ids;
    afterId = ids.at(-1) ?? afterId;
  }
}

async function compareAll(stores: Stores, ids: readonly string[]): Promise<Comparison[]> {
  const shards = [...byShard(stores, ids)];
  const comparisons: Comparison[] = [];
  const compareNext = async (): Promise<void> => {
    for (let next = shards.pop(); next !== undefined; next = shards.pop()) {
      const [shard, projectIds] = next;
      const found = await compareProjects(stores, { shard, projectIds, countRows: true });
      for (const comparison of found) comparisons.push(comparison);
    }
  };
  await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, compareNext));
  return comparisons;
}

function byShard({ names }: Stores, ids: readonly string[]): Map<number, string[]> {
  const shards = new Map<number, string[]>();
  for (const id of ids) {
    const shard = names.shardOf(id);
    const known = shards.get(shard);
    if (known === undefined) shards.set(shard, [id]);
    else known.push(id);
  }
  return shards;
}
