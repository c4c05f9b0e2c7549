/**
 * The proof of "one truth", over a live system: rows = counters in `projects` = counters in Redis = the replayed audit log =
 * what watchers were told last; for projects that are wholly in Redis, who voted what there = the rows; events become
 * rows; and no store went back in time. Each question is a check of its own.
 */
import type { Stores } from "./stores.js";
import { projectsCheck } from "./verify/projects-check.js";
import { type Check, type CheckOptions, emptyReport, type VerifyReport } from "./verify/report.js";
import { storesCheck } from "./verify/stores-check.js";
import { unappliedCheck } from "./verify/unapplied-check.js";

/** They run side by side and share the report. */
const CHECKS: readonly Check[] = [storesCheck, projectsCheck, unappliedCheck];

export interface VerifyOptions extends Pick<CheckOptions, "projectIds" | "onProgress" | "onDiffering"> {
  /** How long to wait for what is on its way, and for events to be applied. */
  timeoutMs: number;
  /** Of other packages. */
  checks?: readonly Check[];
}

export async function verify(stores: Stores, { timeoutMs, checks = [], ...o }: VerifyOptions): Promise<VerifyReport> {
  const report = emptyReport();
  const failed = new AbortController();
  const options = { ...o, patienceMs: timeoutMs, signal: failed.signal };
  const runs = [...CHECKS, ...checks].map(async (check) => {
    try {
      await check.run(stores, report, options);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  // All of them end before the caller closes the stores.
  await Promise.allSettled(runs);
  failed.signal.throwIfAborted();
  return report;
}
