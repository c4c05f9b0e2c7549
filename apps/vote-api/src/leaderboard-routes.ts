/** Leaderboards: pages of them, one's own places, and points by hand. */
import {
  boardAt,
  idempotencyKeySchema,
  leaderboardQuerySchema,
  type RedisNames,
  scoreBodySchema,
} from "@votesync/core";
import { giveHandPoints, type OwnPlaces, readLeaderboard, readOwnPlaces } from "@votesync/leaderboard";
import { givePointsByHand, type PostgresConnection } from "@votesync/postgres-store";
import type { RedisClient } from "@votesync/redis-store";
import { problem } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { v7 as uuidv7 } from "uuid";
import { identityOf } from "./authenticate.js";

export interface LeaderboardRoutesDeps {
  redis: RedisClient;
  names: RedisNames;
  postgres: PostgresConnection;
  leaderboardZone: string;
  now: () => Date;
}

export function leaderboardRoutes(deps: LeaderboardRoutesDeps) {
  const zone = deps.leaderboardZone;
  const nowMs = () => deps.now().getTime();

  /** `GET /api/leaderboard` */
  async function page(req: Request, res: Response): Promise<void> {
    const { period, limit, offset } = leaderboardQuerySchema.parse(req.query);
    res.json(await readLeaderboard(deps, { board: boardAt(period, nowMs(), zone), offset, limit }));
  }

  /** `GET /api/leaderboard/me` */
  async function me(_req: Request, res: Response): Promise<void> {
    res.json(await readOwnPlaces(deps, { userId: identityOf(res).userId, nowMs: nowMs(), zone }));
  }

  /** `POST /api/leaderboard/scores` */
  async function score(req: Request, res: Response): Promise<void> {
    const { user_id: userId, points } = scoreBodySchema.parse(req.body);
    const given = { userId, points, requestKey: keyOf(req) ?? uuidv7(), givenAt: deps.now() };
    // PostgreSQL alone decides: what is stored there is given, by whoever comes to it first.
    const outcome = await givePointsByHand(deps.postgres.pool, given);
    if (outcome === "conflict") throw problem(422, "This Idempotency-Key was used with another body.");
    if (outcome === "replayed") res.set("Idempotency-Replayed", "true");
    res.json({ user_id: userId, points, places: await placesNow(userId) });
  }

  /** With the points that were just given. While Redis is away nobody knows a rank; the points come when it is back. */
  async function placesNow(userId: string): Promise<OwnPlaces | null> {
    const { redis, names, postgres } = deps;
    try {
      await giveHandPoints({ redis, names, pool: postgres.pool }, zone);
      return await readOwnPlaces(deps, { userId, nowMs: nowMs(), zone });
    } catch (error) {
      if (redis.status === "ready") throw error;
      return null;
    }
  }

  return { page, me, score };
}

function keyOf(req: Request): string | undefined {
  const keys = req.headersDistinct["idempotency-key"] ?? [];
  const [raw] = keys;
  if (raw === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(raw);
  if (keys.length > 1 || !parsed.success) {
    throw problem(400, "Idempotency-Key must be given once, as 1 to 255 printable ASCII characters.");
  }
  return parsed.data;
}
