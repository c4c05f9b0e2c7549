/** A gateway in the test's own process on real servers, clients of the real library, and a hand that votes. */
import { randomUUID } from "node:crypto";
import type { RedisNames, VoteType } from "@votesync/core";
import type { LaunchArchive } from "@votesync/mongo-store";
import { connectPostgres, createProject } from "@votesync/postgres-store";
import { type CastOutcome, castVote, connectRedis, loadProject, NEVER_LOADED } from "@votesync/redis-store";
import { createLogger, createTokenVerifier } from "@votesync/service-kit";
import { Registry } from "prom-client";
import { createGateway, type GatewayOptions } from "./gateway.js";

const log = createLogger({ service: "test", level: "silent" });

const OPTIONS: GatewayOptions = {
  port: 0,
  corsOrigins: ["*"],
  trustsProxy: () => false,
  foldWindowMs: 55,
  maxSocketsPerAddress: 500,
  maxPacketsPerSecond: 50,
  maxRoomsPerSocket: 2_000,
  launchZone: "UTC",
  leaderboardZone: "UTC",
};

/** The servers and names several gateways of a test share. */
export interface TestWorld {
  redisUrl: string;
  databaseUrl: string;
  /** With a prefix of the test's own. */
  names: RedisNames;
  secret: string;
  archive?: LaunchArchive;
}

export interface TestGateway {
  url: string;
  /** A figure of /metrics, summed over its labels. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

const running = new Set<TestGateway>();

/** For after the tests: also those that a failed test left. */
export async function stopTestGateways(): Promise<void> {
  for (const gateway of running) await gateway.stop();
}

export async function startTestGateway(world: TestWorld, options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const redis = connectRedis({ url: world.redisUrl, name: "gateway", log });
  const postgres = connectPostgres({ url: world.databaseUrl, name: "gateway", poolSize: 2, log });
  const registry = new Registry();
  const { services, listener } = createGateway({
    redis,
    postgres,
    registry,
    log,
    names: world.names,
    archive: world.archive ?? null,
    verifier: createTokenVerifier({ AUTH_JWT_SECRET: world.secret, AUTH_GUEST: false }),
    nowMs: () => performance.now(),
    options: { ...OPTIONS, ...options },
  });
  for (const service of services) await service.start();
  await redisReady(redis.client);
  const gateway: TestGateway = {
    url: `http://127.0.0.1:${listener.port}`,
    metric: async (name: string): Promise<number> => {
      const { values } = (await registry.getSingleMetric(`votesync_gateway_${name}`)?.get()) ?? { values: [] };
      return values.reduce((sum, { value }) => sum + value, 0);
    },
    stop: async () => {
      running.delete(gateway);
      for (const service of services.toReversed()) await service.stop();
      await redis.close();
      await postgres.close();
    },
  };
  running.add(gateway);
  return gateway;
}

function redisReady(client: ReturnType<typeof connectRedis>["client"]): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve) => client.once("ready", () => resolve()));
}

/** Makes projects and votes on them, as vote-api does. */
export type TestVoter = Awaited<ReturnType<typeof createVoter>>;

export async function createVoter(world: TestWorld) {
  const redis = connectRedis({ url: world.redisUrl, name: "voter", log });
  const postgres = connectPostgres({ url: world.databaseUrl, name: "voter", poolSize: 2, log });
  await redisReady(redis.client);
  return {
    redis: redis.client,
    /** In PostgreSQL only, as a project nobody has voted on lately. */
    createCold: async (id: string) => {
      const project = { id, title: id, url: null, boardId: null, ownerId: "owner" };
      await createProject(postgres.prisma, project, new Date());
    },
    load: async (id: string) => {
      const counts = { upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [] };
      await loadProject(redis.client, world.names, { id, ...counts }, NEVER_LOADED);
    },
    cast: async (projectId: string, userId: string, voteType: VoteType) =>
      answerOf(
        await castVote(redis.client, world.names, {
          requestId: `${world.names.shardOf(projectId)}.${randomUUID()}`,
          projectId,
          userId,
          voteType,
          deadlineUs: Number.MAX_SAFE_INTEGER,
          limit: { max: 0, windowMs: 1 },
        }),
      ),
    ready: () => redisReady(redis.client),
    close: async () => {
      await redis.close();
      await postgres.close();
    },
  };
}

function answerOf(outcome: CastOutcome) {
  if (outcome.kind !== "answer") throw new Error(`vote was not taken: ${outcome.kind}`);
  const { upvotes, downvotes, version } = outcome.answer;
  return { upvotes, downvotes, voteCount: upvotes - downvotes, version };
}
