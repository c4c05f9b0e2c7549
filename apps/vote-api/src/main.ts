import { RedisNames } from "@votesync/core";
import { JamQueues } from "@votesync/jam";
import { connectJobs } from "@votesync/jobs";
import { connectMongo, LaunchArchive } from "@votesync/mongo-store";
import { assertShardCount, connectPostgres } from "@votesync/postgres-store";
import { checkStores, DeadLetters, FallbackRecovery, HeldProjects, ProjectLoader } from "@votesync/reconcile";
import { connectRedis, RedisClock } from "@votesync/redis-store";
import {
  closing,
  createHealth,
  createLogger,
  createMetrics,
  createSettingsCheck,
  createTokenVerifier,
  type HealthCheck,
  httpService,
  parseConfig,
  runUntilSignal,
} from "@votesync/service-kit";
import { createApp } from "./app.js";
import { createAuthenticator } from "./authenticate.js";
import { type CastVoteDeps, castVote } from "./cast-vote.js";
import { CommitWatch } from "./commit-watch.js";
import { configSchema } from "./config.js";
import { createCrossOrigin } from "./cross-origin.js";
import { DegradedHere } from "./degraded-here.js";
import { createFastPath } from "./fast-path.js";
import { createFastVoteListener } from "./fast-vote-listener.js";
import { createHttpMetrics } from "./http-metrics.js";
import { createPathMetrics } from "./path-metrics.js";
import { RecoveryLoop } from "./recovery-loop.js";
import { RedisTrust } from "./redis-trust.js";
import { compileTrust, createRequestLimits } from "./request-limits.js";
import { serviceCheck } from "./statusz.js";
import { tellBoard } from "./tell-board.js";
import { VoteFigureCounter } from "./vote-figures.js";
import { recordVote, type VoteHttpRequest, type VoteRouteDeps } from "./vote-route.js";

const service = "vote-api";
const config = parseConfig(configSchema, process.env);
const log = createLogger({ service, level: config.LOG_LEVEL });

const names = new RedisNames(config.VOTE_SHARDS);
const redis = connectRedis({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const postgres = connectPostgres({ url: config.DATABASE_URL, config, name: service, queryTimeoutMs: 3_000, log });
const jobs = connectJobs({ url: config.REDIS_URL, cluster: config.REDIS_CLUSTER, name: service, log });
const mongo = config.MONGO_URL === undefined ? null : connectMongo({ url: config.MONGO_URL, log });

const { registry } = createMetrics(service);
const voteFigures = new VoteFigureCounter({ redis: redis.client, names, pool: postgres.pool, log });
const metrics = createHttpMetrics(registry, (status, latencyMs) => voteFigures.record(status, latencyMs));
const limit = { max: config.VOTE_RATE_MAX, windowMs: config.VOTE_RATE_WINDOW_MS };
const stores = { redis: redis.client, names, pool: postgres.pool };
const clock = new RedisClock();
const launches = mongo === null ? null : { ...stores, archive: new LaunchArchive(mongo.connection) };
const loader = new ProjectLoader(stores);
const recovery = new FallbackRecovery(stores, loader);
const held = new HeldProjects(stores, loader);
const degraded = new DegradedHere(redis.client, names, () => trust.startOver());
const pathMetrics = createPathMetrics(registry, log);
const trust = new RedisTrust({ stores, recovery, log });
const recoveryLoop = new RecoveryLoop({ trust, recovery, degraded, held, log, onRecovered: pathMetrics.recovered });
const fastPath = createFastPath({ ...stores, clock, trust, degraded, onBreaker: pathMetrics.breaker });
const casting: CastVoteDeps = {
  ...stores,
  fastPath,
  degraded,
  clock,
  loader,
  limit,
  tellBoard: tellBoard({ ...stores, log }),
  onFallback: pathMetrics.fallback,
};
const withoutLimit = { ...casting, limit: { max: 0, windowMs: 1 } };
const deadLetters = new DeadLetters(stores, (vote) => castVote(withoutLimit, vote));
const commits = new CommitWatch(postgres.pool);
const voteRoute: VoteRouteDeps = {
  castVote: (vote) => castVote(casting, vote),
  committed: ({ projectId, ...answer }, ms) => commits.committed({ shard: names.shardOf(projectId), ...answer }, ms),
  limit,
  count: metrics.vote,
};
const record = (request: VoteHttpRequest) => recordVote(voteRoute, request);

// One store is enough to take votes.
const checks: HealthCheck[] = [
  { name: "redis", required: false, check: redis.ping },
  { name: "postgres", required: false, check: postgres.ping },
  { name: "stores", required: false, check: () => checkStores(postgres.pool) },
  { name: "voting", required: true, check: () => Promise.any([redis.ping(), postgres.ping()]) },
];
const everything: HealthCheck[] = [
  { name: "redis", required: true, check: redis.ping },
  { name: "postgres", required: true, check: postgres.ping },
  { name: "shards", required: true, check: () => assertShardCount(postgres.pool, config.VOTE_SHARDS) },
  { name: "stores", required: true, check: () => checkStores(postgres.pool) },
  ...(mongo === null ? [] : [{ name: "mongo", required: true, check: mongo.ping }]),
  ...config.SERVICE_URLS.map(serviceCheck),
];

const authenticate = createAuthenticator(createTokenVerifier(config), config.AUTH_GUEST);
const crossOrigin = createCrossOrigin(config.CORS_ORIGINS);
const limits = createRequestLimits({
  addressMax: config.HTTP_RATE_MAX,
  userMax: config.HTTP_USER_RATE_MAX,
  trust: compileTrust(config.TRUST_PROXY),
});
const app = createApp({
  auth: config,
  authenticate,
  recordVote: record,
  redis: redis.client,
  names,
  postgres,
  jobs,
  queues: new JamQueues(stores, () => trust.isTrusted),
  launches,
  launchZone: config.LAUNCH_TIMEZONE,
  leaderboardZone: config.LEADERBOARD_TIMEZONE,
  recovery,
  redisUsable: () => trust.isTrusted,
  redisSettled: () => trust.settled(),
  voteFigures,
  deadLetters,
  health: createHealth({ service, checks, registry }),
  status: createHealth({ service, checks: everything, registry }),
  metrics,
  realtime: { publicUrls: config.PUBLIC_REALTIME_URL, port: config.REALTIME_PORT },
  crossOrigin,
  limits,
  trustProxy: config.TRUST_PROXY,
  log,
  now: () => new Date(),
});
const listener = createFastVoteListener({
  authenticate,
  recordVote: record,
  crossOrigin,
  limits,
  metrics,
  log,
  ordinary: app,
});

await runUntilSignal({
  log,
  stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS,
  services: [
    closing("postgres", postgres.close),
    closing("redis", redis.close),
    closing("jobs", jobs.close),
    closing("mongo", async () => mongo?.close()),
    createSettingsCheck({ ...postgres.settings, log }),
    trust.firstAttempt(),
    recoveryLoop.loop,
    voteFigures.service(),
    httpService({ port: config.VOTE_API_PORT, listener, log }),
  ],
});
