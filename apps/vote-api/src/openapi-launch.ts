/** Launch days in the OpenAPI document. */
import {
  entityIdSchema,
  finalizeBodySchema,
  launchAppBodySchema,
  launchDateSchema,
  launchDayQuerySchema,
  launchHealthQuerySchema,
  recoverVotesBodySchema,
} from "@votesync/core";
import { z } from "zod";
import type { RouteParts } from "./openapi.js";

const count = z.number().int().nonnegative();
const seal = z.string().nullable().describe("SHA-256 of the results; null before the day is final");

const registered = z.object({
  appId: entityIdSchema,
  name: z.string(),
  launchDate: launchDateSchema,
  opensAt: z.iso.datetime(),
  closesAt: z.iso.datetime(),
  votes: count,
  votingFlushed: z.boolean(),
});

const day = z.object({
  date: launchDateSchema,
  status: z.enum(["open", "closing", "final"]),
  seal,
  apps: z.array(
    z.object({
      appId: entityIdSchema,
      name: z.string(),
      votes: count,
      rank: z.number().int().positive().describe("Equal votes share a rank"),
      votingFlushed: z.boolean(),
    }),
  ),
});

const finalized = z.object({
  success: z.boolean(),
  updated: count.describe("Apps that got their final count now"),
  alreadyFinal: count,
  top3: z.array(entityIdSchema),
  backupCreated: count,
  message: z.string(),
  seal,
});

const health = z.object({
  status: z.enum(["healthy", "issues_detected", "error"]).describe("`error`: a store could not be read"),
  health: z.object({
    date: launchDateSchema,
    totalLaunchedApps: count,
    finalizedApps: count,
    unflushedApps: count,
    backupRecords: count,
    issues: z.array(z.string()),
    recommendations: z.array(z.string()).describe("One for each issue, in the same order"),
  }),
});

const recovered = z.object({
  success: z.boolean().describe("Nothing is missing"),
  recovered: count.describe("Apps that were changed, or would be"),
  apps: z.array(
    z.object({
      appId: entityIdSchema,
      before: z.number().nullable().describe("null: its record was lost"),
      after: count,
    }),
  ),
  missing: z.array(z.string()).describe("Apps without a backup"),
});

const underWay = z.object({ date: launchDateSchema, status: z.literal("closing"), message: z.string() });

export const launchRouteDocs = ({ json, body, problemJson, security, problems, forAdmins }: RouteParts) => [
  {
    method: "post" as const,
    path: "/api/launch/apps",
    summary: "Take part in a launch day",
    description:
      "The app is a project of its own, with up-votes only, on which votes count from the day's first moment to its last. " +
      "Past days, and instants of one's own, are for admins.",
    security,
    request: { body: body(launchAppBodySchema) },
    responses: {
      201: json(registered, "Registered"),
      400: problems[400],
      401: problems[401],
      403: problems[403],
      409: problemJson("The id is taken, its last launch is not over, or the day takes no new app"),
      503: problems[503],
    },
  },
  {
    method: "get" as const,
    path: "/api/launch",
    summary: "A launch day: today by default",
    request: { query: launchDayQuerySchema },
    responses: { 200: json(day, "In the order of the board"), 400: problems[400], 503: problems[503] },
  },
  {
    method: "post" as const,
    path: "/api/launch/finalize",
    summary: "End a day that is over now (admin)",
    description: "Days end by themselves some minutes after they are over; whoever comes second changes nothing.",
    security,
    request: { body: body(finalizeBodySchema) },
    responses: {
      200: json(finalized, "Final"),
      202: json(underWay, "Still at work after 30 s"),
      400: problems[400],
      409: problemJson("The day is not over"),
      ...forAdmins,
    },
  },
  {
    method: "post" as const,
    path: "/api/launch/recover-votes",
    summary: "Put the records of a final day right, from its backups (admin)",
    security,
    request: { body: body(recoverVotesBodySchema) },
    responses: {
      200: json(recovered, "Done, or what would be done"),
      202: json(z.object({ date: launchDateSchema, message: z.string() }), "Still at work after 30 s"),
      400: problems[400],
      409: problemJson("The day is not final, or the backups are not what was counted: nothing was changed"),
      ...forAdmins,
    },
  },
  {
    method: "get" as const,
    path: "/api/launch/vote-health",
    summary: "What is wrong with a launch day, and what to do (admin)",
    security,
    request: { query: launchHealthQuerySchema },
    responses: { 200: json(health, "Looked at"), 400: problems[400], ...forAdmins },
  },
];
