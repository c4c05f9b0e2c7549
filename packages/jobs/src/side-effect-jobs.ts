/** The jobs of the queue `side-effects`, declared once for who adds them and who does them. */
import { entityIdSchema, QUEUES } from "@votesync/core";
import { z } from "zod";
import { declareJob } from "./job.js";

export const MAX_PROJECTS_PER_JOB = 1_000;

/** Votes on these projects have become rows. */
export const votesAppliedJob = declareJob({
  queue: QUEUES.sideEffects,
  name: "votes-applied",
  schema: z.object({ projectIds: z.array(entityIdSchema).min(1).max(MAX_PROJECTS_PER_JOB) }),
});

/** Find what no job did. */
export const sweepJob = declareJob({ queue: QUEUES.sideEffects, name: "sweep", schema: z.object({}), attempts: 1 });
