/** The jobs of the queue `leaderboards`: what an admin asks of the sync. The scheduled runs need no job. */
import { leaderboardPeriodSchema, QUEUES } from "@votesync/core";
import { z } from "zod";
import { declareJob } from "./job.js";

/** Tried once: whoever asked is told what came of it, and may ask again. */
export const syncJob = declareJob({
  queue: QUEUES.leaderboards,
  name: "sync",
  schema: z.object({
    runId: z.uuid(),
    dryRun: z.boolean(),
    full: z.boolean(),
    force: z.boolean(),
    periods: z.array(leaderboardPeriodSchema),
  }),
  attempts: 1,
});

export const restoreJob = declareJob({
  queue: QUEUES.leaderboards,
  name: "restore",
  schema: z.object({ runId: z.uuid() }),
  attempts: 1,
});

export const undoJob = declareJob({
  queue: QUEUES.leaderboards,
  name: "undo",
  schema: z.object({ runId: z.uuid(), undoId: z.uuid() }),
  attempts: 1,
});

/** Tells whoever is configured that a run failed, or changed much: for about four hours. */
export const syncWebhookJob = declareJob({
  queue: QUEUES.leaderboards,
  name: "webhook",
  schema: z.object({
    id: z.string(),
    type: z.enum(["sync.failed", "sync.refused", "sync.large-change"]),
    at: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()),
  }),
  attempts: 14,
});

/** What a job of this queue returns. */
export const leaderboardOutcomeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("done"), report: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal("running"), runId: z.string().nullable() }),
  z.object({ kind: z.literal("refused"), reason: z.string() }),
]);
export type LeaderboardOutcome = z.infer<typeof leaderboardOutcomeSchema>;
