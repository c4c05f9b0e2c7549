/**
 * What a verification found. Findings are counted, and only the first of each kind are kept: a report takes the same memory
 * whether ten votes differ or ten million.
 */
import type { ReplayDifference } from "@votesync/postgres-store";
import type { Comparison } from "../compare-projects.js";
import type { Stores } from "../stores.js";
import type { WrongVoter } from "../voters.js";

/** How many findings of each kind a report keeps. */
export const MAX_KEPT_FINDINGS = 100;

/** A shard whose watermark stood still while entries waited behind it. */
export interface UnappliedShard {
  shard: number;
  /** Counted up to 100,000. */
  entries: number;
  /** When the oldest of them was written, ISO 8601. */
  waiting_since: string;
  /** The watermark did not move for so long. */
  not_applied_for_ms: number;
}

/** A user's points on a leaderboard in Redis that are not those of the votes that stand and the points given by hand. */
export interface WrongPoints {
  /** Such as `daily:2026-12-01`. */
  board: string;
  user_id: string;
  redis: number;
  counted: number;
}

export interface StoreBehind {
  store: "redis" | "postgres";
  shard: number;
}

/** Each kind of finding, and what the report keeps of one. */
export interface FindingOf {
  /** Counters that are not those of the rows. */
  counters: Comparison;
  /** Rows that are not what the audit log says. */
  replay: ReplayDifference;
  /** Projects whose last event says other counters than Redis. */
  told: string;
  /** Votes in Redis that are not the row's. */
  voters: WrongVoter;
  /** Projects whose votes are still on their way when the time is up. */
  waiting: Comparison;
  /** Shards whose events are not applied. */
  unapplied: UnappliedShard;
  /** Points on leaderboards that do not follow from the rows. */
  leaderboards: WrongPoints;
  /** Shards of which a store went back in time, and has not caught up. */
  stores: StoreBehind;
}

export type FindingKind = keyof FindingOf;

type KeptFindings = { [K in FindingKind]: FindingOf[K][] };

export interface VerifyReport extends KeptFindings {
  projects: number;
  rows: number;
  /** Rows older than the oldest event kept. */
  older_than_log: number;
  /** How many findings of each kind there are, kept or not. */
  totals: Record<FindingKind, number>;
}

/** One question that a verification asks. It adds what it finds to the report, and throws only when a store fails. */
export interface Check {
  readonly name: string;
  run(stores: Stores, report: VerifyReport, o: CheckOptions): Promise<void>;
}

export interface CheckOptions {
  /** All when left out. */
  projectIds?: readonly string[] | undefined;
  /** How long a check waits, all in all, for what is on its way. */
  patienceMs: number;
  /** Aborted when another check fails: nobody reads the report then. */
  signal: AbortSignal;
  onProgress?: ((report: VerifyReport) => void) | undefined;
  /** Gets what differs while the verification goes on, each project at most once. It may repair it. */
  onDiffering?: ((differing: DifferingProjects) => Promise<void>) | undefined;
}

export interface DifferingProjects {
  /** Projects whose counters differ from the rows. */
  counters: string[];
  /** Projects whose counters agree, but Redis has other votes, or its last event other counters. */
  redis: string[];
}

export function emptyReport(): VerifyReport {
  return {
    projects: 0,
    rows: 0,
    older_than_log: 0,
    counters: [],
    replay: [],
    told: [],
    voters: [],
    waiting: [],
    unapplied: [],
    leaderboards: [],
    stores: [],
    totals: { counters: 0, replay: 0, told: 0, voters: 0, waiting: 0, unapplied: 0, leaderboards: 0, stores: 0 },
  };
}

/** @param total when `found` is only some of them */
export function addFindings<K extends FindingKind>(
  report: VerifyReport,
  kind: K,
  found: readonly FindingOf[K][],
  total: number = found.length,
): void {
  const kept: FindingOf[K][] = (report as KeptFindings)[kind];
  for (const finding of found.slice(0, MAX_KEPT_FINDINGS - kept.length)) kept.push(finding);
  report.totals[kind] += total;
}

/** Whether the report names nothing wrong. */
export function isClean(report: VerifyReport): boolean {
  return Object.values(report.totals).every((total) => total === 0);
}
