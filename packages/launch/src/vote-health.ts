/** Whether everything that is stored of a launch day says the same, and what to do when it does not. Changes nothing. */
import { damagedIssues, type HealthMoment, type Issue, issuesOf, unreadable } from "./health-issues.js";
import { inspectArchived, inspectCounted, inspectLive } from "./inspect-day.js";
import type { LaunchStores } from "./launch-stores.js";

export type VoteHealthOptions = HealthMoment;

export interface VoteHealthReport {
  /** `error`: a store could not be read; what the others say is there. */
  status: "healthy" | "issues_detected" | "error";
  health: {
    date: string;
    totalLaunchedApps: number;
    finalizedApps: number;
    /** Final, and their votes not flushed. */
    unflushedApps: number;
    backupRecords: number;
    /** Sentences, each with the recommendation in the same place. */
    issues: string[];
    recommendations: string[];
  };
}

/** A day that is over is finalized some minutes later by itself; after so long something keeps it. */
export const OVERDUE_AFTER_MS = 900_000;

export async function checkVoteHealth(stores: LaunchStores, o: VoteHealthOptions): Promise<VoteHealthReport> {
  const failures: Issue[] = [];
  const read = async <T>(store: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      failures.push(unreadable(store, error));
      return null;
    }
  };
  const counted = await read("PostgreSQL", () => inspectCounted(stores.pool, o.date));
  const archived = await read("MongoDB", () => inspectArchived(stores.archive, o.date, counted));
  const damaged = counted === null ? null : await read("Redis", () => inspectLive(stores, o.date));
  const issues = [...failures, ...damagedIssues(damaged ?? []), ...issuesOf(o, counted, archived)];
  const status = failures.length > 0 ? "error" : issues.length > 0 ? "issues_detected" : "healthy";
  return {
    status,
    health: {
      date: o.date,
      totalLaunchedApps: counted?.day?.apps ?? 0,
      finalizedApps: archived?.apps.finalized ?? 0,
      unflushedApps: archived?.apps.unflushed.length ?? 0,
      backupRecords: archived?.backups.total ?? 0,
      issues: issues.map(({ issue }) => issue),
      recommendations: issues.map(({ recommendation }) => recommendation),
    },
  };
}
