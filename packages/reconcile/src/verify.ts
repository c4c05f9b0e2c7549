/**
 * The proof of "one truth", over a live system: rows = counters in `projects` = counters in Redis = the replayed audit log =
 * what watchers were told last; and for projects that are wholly in Redis, who voted what there = the rows.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type ReplayDifference, readProjectIds, replayProjects } from "@votesync/postgres-store";
import { type Comparison, compareProjects } from "./compare-projects.js";
import { findUntold } from "./last-told.js";
import type { Stores } from "./stores.js";
import { findWrongVoters, type WrongVoter } from "./voters.js";

const PROJECTS_PER_PAGE = 500;
const LOOK_AGAIN_MS = 500;

export interface VerifyReport {
  projects: number;
  rows: number;
  /** Rows older than the oldest event kept. */
  older_than_log: number;
  /** Counters that are not those of the rows. */
  counters: Comparison[];
  /** Rows that are not what the audit log says. */
  replay: ReplayDifference[];
  /** Projects whose last event says other counters than Redis. */
  told: string[];
  /** Votes in Redis that are not the row's. */
  voters: WrongVoter[];
  /** Still on their way when the time was up. */
  waiting: Comparison[];
}

export interface VerifyOptions {
  /** All when left out. */
  projectIds?: readonly string[] | undefined;
  /** How long to wait for what is on its way. */
  timeoutMs: number;
  onProgress?: (projects: number) => void;
}

/** Whether the report names nothing wrong. */
export function isClean(report: VerifyReport): boolean {
  const { counters, replay, told, voters, waiting } = report;
  return [counters, replay, told, voters, waiting].every((list) => list.length === 0);
}

export async function verify(stores: Stores, o: VerifyOptions): Promise<VerifyReport> {
  const giveUpAtMs = performance.now() + o.timeoutMs;
  const report: VerifyReport = {
    projects: 0,
    rows: 0,
    older_than_log: 0,
    counters: [],
    replay: [],
    told: [],
    voters: [],
    waiting: [],
  };
  for await (const page of pages(stores, o.projectIds)) {
    await verifyPage(stores, page, giveUpAtMs, report);
    o.onProgress?.(report.projects);
  }
  return report;
}

async function* pages(stores: Stores, projectIds: readonly string[] | undefined): AsyncGenerator<string[]> {
  if (projectIds !== undefined) {
    yield [...projectIds];
    return;
  }
  for (let afterId = ""; ; ) {
    const ids = await readProjectIds(stores.pool, { afterId, limit: PROJECTS_PER_PAGE });
    if (ids.length > 0) yield ids;
    if (ids.length < PROJECTS_PER_PAGE) return;
    afterId = ids.at(-1) as string;
  }
}

async function verifyPage(stores: Stores, ids: string[], giveUpAtMs: number, report: VerifyReport): Promise<void> {
  const comparisons = await compareSettled(stores, ids, giveUpAtMs);
  report.projects += comparisons.length;
  report.counters.push(...comparisons.filter(({ verdict }) => verdict === "drift"));
  const isOpen = ({ verdict }: Comparison) => verdict === "waiting" || verdict === "unsettled";
  report.waiting.push(...comparisons.filter(isOpen));
  const same = comparisons.filter(({ verdict }) => verdict === "same");
  const inRedis = same.filter(({ redis }) => redis !== null).map(({ projectId }) => projectId);
  report.told.push(...(await findUntold(stores, inRedis)));
  report.voters.push(...(await findWrongVoters(stores, inRedis)));
  const replayed = await replayProjects(stores.pool, ids);
  report.rows += replayed.rows;
  report.older_than_log += replayed.olderThanLog;
  report.replay.push(...replayed.differences);
}

/** Looks again at what is on its way, until it has arrived or the time is up. */
async function compareSettled(stores: Stores, ids: string[], giveUpAtMs: number): Promise<Comparison[]> {
  const settled = new Map<string, Comparison>();
  let open = ids;
  for (;;) {
    for (const comparison of await compareAll(stores, open)) settled.set(comparison.projectId, comparison);
    open = [...settled.values()]
      .filter(({ verdict }) => verdict === "waiting" || verdict === "unsettled")
      .map(({ projectId }) => projectId);
    if (open.length === 0 || performance.now() >= giveUpAtMs) return [...settled.values()];
    await delay(LOOK_AGAIN_MS);
  }
}

async function compareAll(stores: Stores, ids: readonly string[]): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const shard of stores.names.allShards()) {
    const projectIds = ids.filter((id) => stores.names.shardOf(id) === shard);
    if (projectIds.length === 0) continue;
    comparisons.push(...(await compareProjects(stores, { shard, projectIds, countRows: true })));
  }
  return comparisons;
}
