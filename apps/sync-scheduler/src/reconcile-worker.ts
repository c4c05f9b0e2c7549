import { QUEUES } from "@votesync/core";
import { handles, type Jobs, reconcileJob } from "@votesync/jobs";
import type { ReconcileReport, Reconciler } from "@votesync/reconcile";
import type { Service } from "@votesync/service-kit";
import type { ReconcilePass } from "./reconcile-pass.js";

/** Does passes on demand: what somebody asked for over HTTP. The report is the job's result. */
export function createReconcileWorker(o: { jobs: Jobs; reconciler: Reconciler; pass: ReconcilePass }): Service {
  const run = async ({ projectIds, full }: { projectIds?: string[] | undefined; full: boolean }) => {
    if (projectIds !== undefined) return o.reconciler.passProjects(projectIds);
    const report: ReconcileReport = full ? await o.reconciler.passAll() : await o.pass.runOnce();
    return report;
  };
  return o.jobs.worker(QUEUES.reconcile, [handles(reconcileJob, run)]);
}
