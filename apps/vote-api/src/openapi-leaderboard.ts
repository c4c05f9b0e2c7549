/** Leaderboards and their sync in the OpenAPI document. */
import {
  leaderboardPeriodSchema,
  leaderboardQuerySchema,
  scoreBodySchema,
  syncBodySchema,
  syncHistoryQuerySchema,
  undoSyncBodySchema,
} from "@votesync/core";
import { z } from "zod";
import type { RouteParts } from "./openapi.js";

const count = z.number().int().nonnegative();
const rank = z.number().int().positive().describe("Equal points share a rank");
const time = z.iso.datetime();

const page = z.object({
  period: leaderboardPeriodSchema,
  key: z.string().describe("Which turn of the period: 2026-11-23, 2026-W48, 2026-11, 2026"),
  total: count.describe("Users on the board"),
  entries: z.array(z.object({ rank, user_id: z.string(), points: z.number() })),
});

const place = z.object({ rank, points: z.number() }).nullable();
const places = z.object({ daily: place, weekly: place, monthly: place, yearly: place });
const scored = z.object({ user_id: z.string(), points: z.number(), places: places.nullable() });

const counts = { created: count, updated: count, deleted: count, unchanged: count };
const report = z.object({
  run_id: z.uuid(),
  ...counts,
  by_period: z.partialRecord(leaderboardPeriodSchema, z.object(counts)).describe("Rows; the totals are of users"),
  errors: z.array(z.object({ user_id: z.string(), error: z.string() })),
  duration_ms: count,
  dry_run: z.boolean(),
  full: z.boolean(),
  frozen: z.array(z.string()).describe("Turns that had their last sync"),
});

const run = z.object({
  run_id: z.uuid(),
  trigger: z.enum(["schedule", "manual", "restore", "undo"]),
  status: z.enum(["running", "done", "failed", "refused", "interrupted"]),
  started_at: time,
  finished_at: time.nullable(),
  dry_run: z.boolean(),
  full: z.boolean(),
  error: z.string().nullable(),
});

const status = z.object({
  enabled: z.boolean(),
  running: run.nullable(),
  next_run_at: time.nullable(),
  last_run: run.nullable(),
});

const health = z.object({
  status: z.enum(["healthy", "issues_detected", "error"]),
  issues: z.array(z.string()),
  recommendations: z.array(z.string()).describe("One for each issue, in the same order"),
  enabled: z.boolean().nullable(),
  next_run_at: time.nullable(),
  last_run: z.object({ run_id: z.uuid(), status: z.string(), started_at: time }).nullable(),
});

const metrics = z.object({
  redis_counts: z.record(z.string(), count).describe("`<period>_leaderboard` → users on it"),
  postgres_counts: z.record(z.string(), count),
  postgres_users: count,
  last_run: run.nullable(),
});

const restored = z.object({ run_id: z.uuid(), restored: count, boards: z.array(z.string()) });
const undone = z.object({ run_id: z.uuid(), undone: count });
const enabled = z.object({ enabled: z.boolean() });
const started = z.object({ run_id: z.uuid(), status: z.literal("running") });

export const leaderboardRouteDocs = (parts: RouteParts) => [
  ...boardDocs(parts),
  ...watchDocs(parts),
  ...steerDocs(parts),
];

const boardDocs = ({ json, body, problemJson, security, problems, forAdmins }: RouteParts) => [
  {
    method: "get" as const,
    path: "/api/leaderboard",
    summary: "A page of a leaderboard, most points first",
    request: { query: leaderboardQuerySchema },
    responses: { 200: json(page, "A page"), 400: problems[400], 503: problems[503] },
  },
  {
    method: "get" as const,
    path: "/api/leaderboard/me",
    summary: "One's own places",
    security,
    responses: { 200: json(places, "null: on no such board"), 401: problems[401], 503: problems[503] },
  },
  {
    method: "post" as const,
    path: "/api/leaderboard/scores",
    summary: "Give a user points by hand, or take some (admin)",
    security,
    request: {
      headers: z.object({ "Idempotency-Key": z.string().min(1).max(255).optional() }),
      body: body(scoreBodySchema),
    },
    responses: {
      200: json(scored, "Given; the same Idempotency-Key gives once"),
      400: problems[400],
      422: problemJson("The Idempotency-Key was used with another body"),
      ...forAdmins,
    },
  },
];

function watchDocs({ json, security, problems, forAdmins }: RouteParts) {
  const watch = (path: string, summary: string, schema: z.ZodType) => ({
    method: "get" as const,
    path: `/api/periodic-sync/${path}`,
    summary,
    security,
    responses: { 200: json(schema, "Read"), ...forAdmins },
  });
  const history = watch("history", "The last runs, newest first (admin)", z.object({ runs: z.array(run) }));
  return [
    watch("status", "Whether the sync runs by itself, and when (admin)", status),
    watch("health", "What is wrong with the sync, and what to do (admin)", health),
    watch("metrics", "Sizes of the boards in both stores (admin)", metrics),
    {
      ...history,
      request: { query: syncHistoryQuerySchema },
      responses: { ...history.responses, 400: problems[400] },
    },
  ];
}

function steerDocs({ json, body, problemJson, security, problems, forAdmins }: RouteParts) {
  const steer = (path: string, summary: string, schema: z.ZodType) => ({
    method: "post" as const,
    path: `/api/periodic-sync/${path}`,
    summary,
    security,
    responses: { 200: json(schema, "Done"), ...forAdmins },
  });
  const job = (path: string, summary: string, schema: z.ZodType) => {
    const route = steer(path, summary, schema);
    const stillAtWork = json(started, "Still at work after 60 s");
    const running = problemJson("`sync-running`, its id is `run_id`; or `mass-delete-refused`: nothing was changed");
    const tooMany = problemJson("Too many runs by hand");
    return { ...route, responses: { ...route.responses, 202: stillAtWork, 409: running, 429: tooMany } };
  };
  const sync = job("sync", "Sync now (admin)", report);
  const undo = job("undo", "Put the rows that a run changed back (admin)", undone);
  return [
    steer("start", "Let the sync run by itself (admin)", enabled),
    steer("stop", "Keep the sync from running by itself (admin)", enabled),
    {
      ...sync,
      request: { body: { ...body(syncBodySchema), required: false } },
      responses: { ...sync.responses, 400: problems[400] },
    },
    job("restore", "Bring the boards back from PostgreSQL after Redis lost them (admin)", restored),
    {
      ...undo,
      request: { body: body(undoSyncBodySchema) },
      responses: { ...undo.responses, 400: problems[400], 404: problems[404] },
    },
  ];
}
