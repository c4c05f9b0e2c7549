/**
 * The Express application: every route on one screen. It never listens or connects; main.ts hands it what it needs.
 */
import type { RedisNames } from "@votesync/core";
import type { JamQueues } from "@votesync/jam";
import type { Jobs } from "@votesync/jobs";
import type { LaunchStores } from "@votesync/launch";
import type { PostgresConnection } from "@votesync/postgres-store";
import type { DeadLetters, FallbackRecovery } from "@votesync/reconcile";
import type { RedisClient } from "@votesync/redis-store";
import { type AuthConfig, type Health, type Logger, problem, sendProblem } from "@votesync/service-kit";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { addToBoard } from "./add-to-board.js";
import { analyticsHandler } from "./analytics-route.js";
import { answerable } from "./answerable-error.js";
import { type Authenticator, admitAnybody, identityOf, requireAdmin, requireIdentity } from "./authenticate.js";
import { boardRoutes } from "./board-routes.js";
import { MAX_BODY_BYTES } from "./body-limit.js";
import type { CrossOrigin } from "./cross-origin.js";
import { deadLetterRoutes } from "./dead-letter-routes.js";
import { docsRoutes } from "./docs-routes.js";
import { type HttpMetrics, measured } from "./http-metrics.js";
import { jobsHandler } from "./jobs-route.js";
import { launchRoutes } from "./launch-routes.js";
import { leaderboardRoutes } from "./leaderboard-routes.js";
import { notificationRoutes } from "./notification-routes.js";
import { openApiDocument } from "./openapi.js";
import { ownVotesHandler } from "./own-votes-route.js";
import { ownerHandler } from "./owner-route.js";
import { periodicSyncRoutes } from "./periodic-sync-routes.js";
import { projectRoutes } from "./project-routes.js";
import { readOnly } from "./read-only.js";
import { reconcileRoutes } from "./reconcile-routes.js";
import { requestIdOf } from "./request-id.js";
import type { RequestLimits } from "./request-limits.js";
import { securityHeaders } from "./security-headers.js";
import { guestSession } from "./session-routes.js";
import { streamRoutes } from "./stream-routes.js";
import { voteButtonScript } from "./vote-button-route.js";
import { type VoteFigureCounter, voteMetricsHandler } from "./vote-figures.js";
import type { HttpAnswer, VoteHttpRequest } from "./vote-route.js";
import { readVoteStatus } from "./vote-status.js";
import { pageConfig, type RealtimeAddress, webApp } from "./web-routes.js";

export interface AppDeps {
  auth: AuthConfig;
  authenticate: Authenticator;
  recordVote: (request: VoteHttpRequest) => Promise<HttpAnswer>;
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
  jobs: Jobs;
  queues: JamQueues;
  /** `null` without MongoDB. */
  launches: LaunchStores | null;
  launchZone: string;
  leaderboardZone: string;
  recovery: FallbackRecovery;
  /** Whether what Redis says now can be relied on. */
  redisUsable: () => boolean;
  /** Resolves once that is known, or not to be known soon. */
  redisSettled: () => Promise<void>;
  voteFigures: VoteFigureCounter;
  deadLetters: DeadLetters;
  health: Health;
  /** Every dependency and every service. */
  status: Health;
  metrics: HttpMetrics;
  realtime: RealtimeAddress;
  crossOrigin: CrossOrigin;
  limits: RequestLimits;
  trustProxy: boolean | number | string;
  log: Logger;
  now: () => Date;
}

export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("trust proxy", deps.trustProxy);
  app.use(withRequestId, measured(deps.metrics), deps.crossOrigin, securityHeaders(deps.realtime));
  app.use(async (req, res, next) => {
    if (!(await deps.health.handle(req, res))) next();
  });

  // Whoever watches over the service is not counted.
  route(app, "/statusz", { get: [statusz(deps.status)] });
  app.use(limitAddress(deps.limits));
  addRoutes(app, deps);
  app.all("/", readOnly);
  app.use(...webApp(), notFound);
  app.use(problemHandler(deps.log));
  return app;
}

function addRoutes(app: Express, deps: AppDeps): void {
  const user = requireIdentity(deps.authenticate, deps.limits);
  // Not strict: what is JSON but no object is told so by the schema, as on the short way.
  const json = [requireJson, express.json({ limit: MAX_BODY_BYTES, strict: false, verify: refuseEmpty })];
  const anybody = admitAnybody(deps.authenticate, deps.limits);
  const withBoards = { ...deps, addToBoard: addToBoard(deps) };
  const projects = projectRoutes(withBoards);
  const boards = boardRoutes(deps);
  const streams = streamRoutes(withBoards);
  const letters = deadLetterRoutes(deps.deadLetters);
  const notifications = notificationRoutes(deps);
  const reconcile = reconcileRoutes(deps.jobs);
  const launch = launchRoutes(deps);
  const leaderboard = leaderboardRoutes(deps);
  const sync = periodicSyncRoutes(deps);
  const admin = [user, requireAdmin];
  const settled = redisSettled(deps);
  route(app, "/api/votes", { post: [user, ...json, voteHandler(deps)] });
  route(app, "/api/votes/status/:request_id", { get: [user, statusHandler(deps)] });
  route(app, "/api/votes/user", { get: [user, settled, ownVotesHandler({ ...deps, pool: deps.postgres.pool })] });
  route(app, "/api/votes/metrics", { get: [...admin, voteMetricsHandler(deps.voteFigures)] });
  route(app, "/api/votes/analytics", { get: [user, analyticsHandler(deps.postgres, deps.now)] });
  route(app, "/api/votes/dead-letters", { get: [...admin, letters.list] });
  route(app, "/api/votes/dead-letters/:id", { get: [...admin, letters.get], delete: [...admin, letters.drop] });
  route(app, "/api/votes/dead-letters/:id/replay", { post: [...admin, letters.replay] });
  route(app, "/api/votes/reconcile", { post: [...admin, ...json, reconcile.start] });
  route(app, "/api/votes/reconcile/:run_id", { get: [...admin, reconcile.get] });
  route(app, "/api/votes/jobs", { get: [...admin, jobsHandler(deps.jobs)] });
  route(app, "/api/projects", { get: [settled, projects.list], post: [user, ...json, projects.create] });
  route(app, "/api/projects/:id", { get: [settled, projects.get] });
  route(app, "/api/boards", { get: [boards.list], post: [user, ...json, boards.create] });
  route(app, "/api/boards/:id", { get: [boards.get] });
  route(app, "/api/streams", { get: [anybody, settled, streams.queue], post: [user, ...json, streams.add] });
  route(app, "/api/streams/upvote", { post: [user, ...json, streams.upvote] });
  route(app, "/api/streams/downvote", { post: [user, ...json, streams.downvote] });
  route(app, "/api/streams/next", { post: [user, ...json, settled, streams.next] });
  route(app, "/api/streams/debug", { get: [user, streams.trail] });
  route(app, "/api/launch", { get: [settled, launch.read] });
  route(app, "/api/launch/apps", { post: [user, ...json, launch.register] });
  route(app, "/api/launch/finalize", { post: [...admin, ...json, launch.finalize] });
  route(app, "/api/launch/recover-votes", { post: [...admin, ...json, launch.recover] });
  route(app, "/api/launch/vote-health", { get: [...admin, launch.health] });
  route(app, "/api/leaderboard", { get: [leaderboard.page] });
  route(app, "/api/leaderboard/me", { get: [user, leaderboard.me] });
  route(app, "/api/leaderboard/scores", { post: [...admin, ...json, leaderboard.score] });
  route(app, "/api/periodic-sync/status", { get: [...admin, sync.status] });
  route(app, "/api/periodic-sync/sync", { post: [...admin, ...json.map(unlessNothingSent), sync.sync] });
  route(app, "/api/periodic-sync/start", { post: [...admin, sync.start] });
  route(app, "/api/periodic-sync/stop", { post: [...admin, sync.stop] });
  route(app, "/api/periodic-sync/restore", { post: [...admin, sync.restore] });
  route(app, "/api/periodic-sync/undo", { post: [...admin, ...json, sync.undo] });
  route(app, "/api/periodic-sync/health", { get: [...admin, sync.health] });
  route(app, "/api/periodic-sync/metrics", { get: [...admin, sync.metrics] });
  route(app, "/api/periodic-sync/history", { get: [...admin, sync.history] });
  route(app, "/api/owners/:owner_id", { get: [ownerHandler(deps.postgres)] });
  route(app, "/api/notifications", { get: [user, notifications.list] });
  route(app, "/api/notifications/read", { post: [user, ...json, notifications.markRead] });
  route(app, "/api/session/guest", { post: [guestSession(deps.auth)] });
  route(app, "/config.json", { get: [pageConfig({ realtime: deps.realtime, guest: deps.auth.AUTH_GUEST })] });
  route(app, "/openapi.json", { get: [(_req, res) => void res.json(openApiDocument)] });
  app.use("/docs", readOnly, docsRoutes());
  route(app, "/vote-button.js", { get: [voteButtonScript()] });
}

type Method = "get" | "post" | "delete";

/** One path and all it can do; anything else is answered 405 with what it can. */
function route(app: Express, path: string, handlers: Partial<Record<Method, RequestHandler[]>>): void {
  const methods = Object.keys(handlers) as Method[];
  const at = app.route(path);
  for (const method of methods) at[method](...(handlers[method] as RequestHandler[]));
  const allow = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()])).join(", ");
  at.all(() => {
    throw problem(405, `This address takes ${allow}.`, { headers: { Allow: allow } });
  });
}

const withRequestId: RequestHandler = (req, res, next) => {
  res.locals.requestId = requestIdOf(req.headers["x-request-id"]);
  res.set("X-Request-Id", res.locals.requestId as string);
  next();
};

/** Before whatever shows counts or votes. */
const redisSettled =
  (deps: AppDeps): RequestHandler =>
  async (_req, _res, next) => {
    await deps.redisSettled();
    next();
  };

const limitAddress =
  (limits: RequestLimits): RequestHandler =>
  async (req, res, next) => {
    res.set(await limits.address(req));
    next();
  };

const requireJson: RequestHandler = (req, _res, next) => {
  // `is` gives null when there is no body at all.
  if (req.is("application/json") === false) throw problem(415, "Send the body as application/json.");
  next();
};

/** For a body all of which may be left out: what nobody sent has no type either. Many clients say that it has no byte. */
const unlessNothingSent =
  (handler: RequestHandler): RequestHandler =>
  (req, res, next) => {
    const { "content-type": type, "content-length": length } = req.headers;
    return type === undefined && length === "0" ? next() : handler(req, res, next);
  };

/** Express would take a body without a byte for an empty object. */
function refuseEmpty(_req: unknown, _res: unknown, bytes: Buffer): void {
  if (bytes.length === 0) throw problem(400, "The body is not valid JSON.");
}

const voteHandler =
  (deps: AppDeps): RequestHandler =>
  async (req, res) => {
    const idempotencyKeys = req.headersDistinct["idempotency-key"] ?? [];
    const answer = await deps.recordVote({ voter: identityOf(res), body: req.body, idempotencyKeys });
    res.status(answer.status).set(answer.headers).json(answer.body);
  };

const statusHandler =
  (deps: AppDeps): RequestHandler =>
  async (req, res) => {
    const status = await readVoteStatus(deps, String(req.params.request_id), identityOf(res));
    if (status === null) throw problem(404, "There is no such request of yours.");
    res.json({ status: "success", data: status });
  };

const statusz =
  (status: Health): RequestHandler =>
  async (_req, res) => {
    const report = await status.report();
    res.status(report.status === "ok" ? 200 : 503).json(report);
  };

const notFound: RequestHandler = () => {
  throw problem(404, "There is nothing at this address.");
};

const problemHandler =
  (log: Logger): ErrorRequestHandler =>
  (error, req, res, _next) => {
    sendProblem(res, answerable(error), { instance: req.path, requestId: res.locals.requestId as string, log });
  };
