/** The comparison of the stores on demand; the periodic one runs without a job. */
import { entityIdSchema, QUEUES } from "@votesync/core";
import { z } from "zod";
import { declareJob } from "./job.js";

export const MAX_PROJECTS_PER_RECONCILE = 1_000;

export const reconcileJob = declareJob({
  queue: QUEUES.reconcile,
  name: "reconcile",
  schema: z.object({
    /** All projects of all shards when left out. */
    projectIds: z.array(entityIdSchema).min(1).max(MAX_PROJECTS_PER_RECONCILE).optional(),
    /** Also quiet projects, with their rows counted; else what changed and what was found differing. */
    full: z.boolean(),
  }),
  attempts: 3,
});
