/** A pass of the reconciler on demand: a job, waited for a while. */
import { setTimeout as delay } from "node:timers/promises";
import { QUEUES, reconcileBodySchema } from "@votesync/core";
import { type JobOutcome, type Jobs, reconcileJob } from "@votesync/jobs";
import { problem, unavailable } from "@votesync/service-kit";
import type { Request, Response } from "express";

/** Longer than a pass takes, shorter than proxies wait. */
const WAIT_MS = 25_000;
const POLL_MS = 100;

export function reconcileRoutes(jobs: Jobs) {
  const queueOf = () => jobs.queue(QUEUES.reconcile);

  /** `POST /api/votes/reconcile` */
  async function start(req: Request, res: Response): Promise<void> {
    const { project_ids: projectIds, full } = reconcileBodySchema.parse(req.body ?? {});
    const queue = queueOf();
    const runId = await queue.add(reconcileJob, { full, ...(projectIds === undefined ? {} : { projectIds }) });
    const giveUpAtMs = performance.now() + WAIT_MS;
    let outcome = await queue.outcome(runId);
    while (!isOver(outcome) && performance.now() < giveUpAtMs) {
      await delay(POLL_MS);
      outcome = await queue.outcome(runId);
    }
    if (outcome?.state === "failed")
      throw unavailable("The pass failed; it will be tried by the next one.", outcome.reason);
    res.status(isOver(outcome) ? 200 : 202).json(runView(runId, outcome));
  }

  /** `GET /api/votes/reconcile/:run_id` */
  async function get(req: Request, res: Response): Promise<void> {
    const runId = String(req.params.run_id);
    const outcome = await queueOf().outcome(runId);
    if (outcome === null) throw problem(404, "There is no such run, or it is long over.");
    res.json(runView(runId, outcome));
  }

  return { start, get };
}

const isOver = (outcome: JobOutcome | null) => outcome === null || "result" in outcome || "reason" in outcome;

function runView(runId: string, outcome: JobOutcome | null) {
  const report = outcome !== null && "result" in outcome ? outcome.result : null;
  return { run_id: runId, state: outcome?.state ?? "completed", report };
}
