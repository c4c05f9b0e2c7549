/**
 * `/openapi.json`, made from the schemas the routes parse with. A test holds it against the route table.
 */
import {
  extendZodWithOpenApi,
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from "@asteasolutions/zod-to-openapi";
import {
  analyticsQuerySchema,
  castVoteBodySchema,
  createProjectBodySchema,
  listDeadLettersQuerySchema,
  listNotificationsQuerySchema,
  listProjectsQuerySchema,
  ownVotesQuerySchema,
  readNotificationsBodySchema,
  reconcileBodySchema,
} from "@votesync/core";
import { z } from "zod";
import { answerSchemas } from "./answer-schemas.js";
import { boardRouteDocs } from "./openapi-boards.js";
import { launchRouteDocs } from "./openapi-launch.js";
import { leaderboardRouteDocs } from "./openapi-leaderboard.js";

extendZodWithOpenApi(z);

const registry = new OpenAPIRegistry();
const bearer = registry.registerComponent("securitySchemes", "bearer", {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
});
const security = [{ [bearer.name]: [] }];

const json = (schema: z.ZodType, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const problemJson = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: answerSchemas.problem } },
});
const body = (schema: z.ZodType) => ({ required: true, content: { "application/json": { schema } } });

const PROBLEMS = {
  400: problemJson("Malformed JSON, or a value of the wrong form (see `errors`)"),
  401: problemJson("No token, or an invalid one"),
  403: problemJson("Not for the caller's role"),
  404: problemJson("No such thing"),
  503: problemJson("A store is away; try again after `Retry-After` seconds"),
};
const { 400: badRequest, 401: unauthorized, 403: forbidden, 404: missing, 503: unavailable } = PROBLEMS;

const forAdmins = { 401: unauthorized, 403: forbidden, 503: unavailable };
const letterId = z.object({ id: z.string() });

/** What the documents of other files are put together from. */
export interface RouteParts {
  json: typeof json;
  body: typeof body;
  problemJson: typeof problemJson;
  security: typeof security;
  problems: typeof PROBLEMS;
  forAdmins: typeof forAdmins;
}

const ROUTES: RouteConfig[] = [
  {
    method: "post",
    path: "/api/votes",
    summary: "Vote, change a vote, or take it back",
    description: "`vote_type` says the wanted state, so repeating a vote is harmless.",
    security,
    request: {
      headers: z.object({ "Idempotency-Key": z.string().min(1).max(255).optional() }),
      body: body(castVoteBodySchema),
    },
    responses: {
      200: json(answerSchemas.vote, "Recorded"),
      202: json(answerSchemas.vote, "Recorded; asked for `committed`, but not yet in PostgreSQL (`state: pending`)"),
      400: badRequest,
      401: unauthorized,
      404: missing,
      413: problemJson("The body is over 64 KiB"),
      415: problemJson("The body is not application/json"),
      422: problemJson("The Idempotency-Key was used with another body, or `down` on a launch"),
      429: problemJson("Too many votes of this user on this project"),
      503: unavailable,
    },
  },
  {
    method: "get",
    path: "/api/votes/status/{request_id}",
    summary: "What became of a vote",
    security,
    request: { params: z.object({ request_id: z.string() }) },
    responses: {
      200: json(answerSchemas.voteStatus, "Found"),
      401: unauthorized,
      403: forbidden,
      404: missing,
      503: unavailable,
    },
  },
  {
    method: "get",
    path: "/api/votes/dead-letters",
    summary: "Votes that could not be stored and were given up, newest first (admin)",
    security,
    request: { query: listDeadLettersQuerySchema },
    responses: { 200: json(answerSchemas.deadLetterList, "A page"), 400: badRequest, ...forAdmins },
  },
  {
    method: "get",
    path: "/api/votes/dead-letters/{id}",
    summary: "One dead letter (admin)",
    security,
    request: { params: letterId },
    responses: { 200: json(answerSchemas.deadLetter, "Found"), 404: missing, ...forAdmins },
  },
  {
    method: "post",
    path: "/api/votes/dead-letters/{id}/replay",
    summary: "Cast a dead letter's vote anew (admin)",
    description: "Unless its user has voted since: then it is resolved as `superseded` and nothing is cast.",
    security,
    request: { params: letterId },
    responses: {
      200: json(answerSchemas.deadLetter, "Resolved"),
      404: missing,
      409: problemJson("It is resolved already, or the vote's project does not exist"),
      422: problemJson("It holds no vote that could be cast"),
      ...forAdmins,
    },
  },
  {
    method: "delete",
    path: "/api/votes/dead-letters/{id}",
    summary: "Leave a dead letter be; its row is kept (admin)",
    security,
    request: { params: letterId },
    responses: {
      200: json(answerSchemas.deadLetter, "Dropped, now or before"),
      404: missing,
      409: problemJson("It was replayed already"),
      ...forAdmins,
    },
  },
  {
    method: "post",
    path: "/api/projects",
    summary: "Make something that can be voted on",
    security,
    request: { body: body(createProjectBodySchema) },
    responses: {
      201: json(answerSchemas.project, "Made"),
      400: badRequest,
      401: unauthorized,
      409: problemJson("The id is taken"),
      503: unavailable,
    },
  },
  {
    method: "get",
    path: "/api/projects",
    summary: "Projects, best first",
    request: { query: listProjectsQuerySchema },
    responses: { 200: json(answerSchemas.projectList, "A page"), 400: badRequest, 503: unavailable },
  },
  {
    method: "get",
    path: "/api/projects/{id}",
    summary: "One project",
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: json(answerSchemas.project, "Found"), 404: missing, 503: unavailable },
  },
  {
    method: "get",
    path: "/api/votes/user",
    summary: "Own votes: on some projects, or all of them page by page",
    security,
    request: { query: ownVotesQuerySchema },
    responses: { 200: json(answerSchemas.ownVotes, "Found"), 400: badRequest, 401: unauthorized, 503: unavailable },
  },
  {
    method: "get",
    path: "/api/votes/metrics",
    summary: "Figures of voting, over all replicas",
    security,
    responses: { 200: json(answerSchemas.voteMetrics, "Figures"), ...forAdmins },
  },
  {
    method: "get",
    path: "/api/votes/analytics",
    summary: "What happened to a project's votes over time (owner or admin)",
    description: "Buckets are in UTC; `from` counts, `to` does not. Without them: the last 24 hours.",
    security,
    request: { query: analyticsQuerySchema },
    responses: { 200: json(answerSchemas.analytics, "Found"), 400: badRequest, 404: missing, ...forAdmins },
  },
  {
    method: "post",
    path: "/api/votes/reconcile",
    summary: "Compare Redis with PostgreSQL now, and repair what differs",
    security,
    request: { body: body(reconcileBodySchema) },
    responses: {
      200: json(answerSchemas.reconcileRun, "Done"),
      202: json(answerSchemas.reconcileRun, "Under way"),
      400: badRequest,
      ...forAdmins,
    },
  },
  {
    method: "get",
    path: "/api/votes/reconcile/{run_id}",
    summary: "What became of such a run",
    security,
    request: { params: z.object({ run_id: z.string() }) },
    responses: { 200: json(answerSchemas.reconcileRun, "Found"), 404: missing, ...forAdmins },
  },
  {
    method: "get",
    path: "/api/votes/jobs",
    summary: "What waits and what runs, over all queues",
    security,
    responses: {
      200: json(answerSchemas.jobs, "As of now"),
      401: unauthorized,
      403: problemJson("Only for admins"),
      503: unavailable,
    },
  },
  {
    method: "get",
    path: "/api/owners/{owner_id}",
    summary: "An owner's community score",
    request: { params: z.object({ owner_id: z.string() }) },
    responses: { 200: json(answerSchemas.owner, "Found"), 404: missing, 503: unavailable },
  },
  {
    method: "get",
    path: "/api/notifications",
    summary: "The caller's notifications, newest first",
    security,
    request: { query: listNotificationsQuerySchema },
    responses: {
      200: json(answerSchemas.notificationList, "A page"),
      400: badRequest,
      401: unauthorized,
      503: unavailable,
    },
  },
  {
    method: "post",
    path: "/api/notifications/read",
    summary: "Mark notifications as read",
    description: "Repeating it is harmless; ids that are not the caller's are passed over.",
    security,
    request: { body: body(readNotificationsBodySchema) },
    responses: {
      200: json(answerSchemas.notificationsRead, "Marked"),
      400: badRequest,
      401: unauthorized,
      503: unavailable,
    },
  },
  {
    method: "post",
    path: "/api/session/guest",
    summary: "A token for a guest",
    responses: { 201: json(answerSchemas.guestSession, "Made"), 403: problemJson("Guests are switched off") },
  },
];
const parts: RouteParts = { json, body, problemJson, security, problems: PROBLEMS, forAdmins };
for (const route of [...ROUTES, ...boardRouteDocs(parts), ...launchRouteDocs(parts), ...leaderboardRouteDocs(parts)])
  registry.registerPath(route);

export const openApiDocument: object = new OpenApiGeneratorV31(registry.definitions).generateDocument({
  openapi: "3.1.0",
  info: {
    title: "votesync",
    version: "0.1.0",
    description: "Votes answered in milliseconds, none lost, counts exact and the same for everybody.",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/" }],
});
