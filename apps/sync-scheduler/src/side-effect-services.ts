import { QUEUES } from "@votesync/core";
import { handles, type Jobs, sweepJob, votesAppliedJob } from "@votesync/jobs";
import type { Service } from "@votesync/service-kit";
import { Counter, Gauge, type Registry } from "prom-client";
import { SideEffects, type SideEffectsDeps, type SideEffectsDone } from "./side-effects.js";

/** The worker of the queue `side-effects`, and the clock of its sweep. Any number of replicas share the jobs. */
export function createSideEffectServices(o: {
  deps: SideEffectsDeps;
  jobs: Jobs;
  sweepMs: number;
  registry: Registry;
}): Service[] {
  const effects = new SideEffects(o.deps);
  const measured = createSideEffectMetrics(o.registry);
  const worker = o.jobs.worker(QUEUES.sideEffects, [
    handles(votesAppliedJob, async ({ projectIds }) =>
      measured.job("votes-applied", await effects.votesApplied(projectIds)),
    ),
    handles(sweepJob, async (_data, { signal }) => measured.job("sweep", await effects.sweep(signal))),
  ]);
  return [worker, o.jobs.queue(QUEUES.sideEffects).schedule(sweepJob, { everyMs: o.sweepMs, data: {} })];
}

function createSideEffectMetrics(registry: Registry) {
  const registers = [registry];
  const jobs = new Counter({
    name: "votesync_side_effect_jobs_total",
    help: "Jobs done after votes",
    labelNames: ["job"],
    registers,
  });
  const notified = new Counter({
    name: "votesync_notifications_total",
    help: "Notifications made for owners of projects",
    labelNames: ["job"],
    registers,
  });
  const lastRun = new Gauge({
    name: "votesync_side_effects_last_run_seconds",
    help: "When such a job was last done here, seconds since 1970",
    labelNames: ["job"],
    registers,
  });
  return {
    job(job: string, done: SideEffectsDone): SideEffectsDone {
      jobs.inc({ job });
      notified.inc({ job }, done.notified);
      lastRun.set({ job }, Date.now() / 1_000);
      return done;
    },
  };
}
