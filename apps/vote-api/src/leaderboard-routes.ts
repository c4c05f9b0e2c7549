/** Leaderboards: pages of them, one's own places, and points by hand. */
import {
  boardAt,
  boardsAt,
  idempotencyKeySchema,
  leaderboardQuerySchema,
  type RedisNames,
  scoreBodySchema,
} from "@votesync/core";
import { readLeaderboard, readOwnPlaces } from "@votesync/leaderboard";
import { type PostgresConnection, rememberScore } from "@votesync/postgres-store";
import { addScore, type RedisClient } from "@votesync/redis-store";
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
    const request = { key: keyOf(req) ?? uuidv7(), fingerprint: String(points) };
    const atMs = nowMs();
    const boards = boardsAt(atMs, zone);
    const outcome = await addScore(deps.redis, deps.names, { userId, points, boards, atMs, request });
    if (outcome.kind === "conflict") throw problem(422, "This Idempotency-Key was used with another body.");
    // Afterwards, so that what is remembered was given; a caller who is told of a failure asks again with the same key.
    const givenAt = new Date(outcome.atMs);
    await rememberScore(deps.postgres.pool, { userId, requestKey: request.key, points, givenAt });
    if (outcome.kind === "replayed") res.set("Idempotency-Replayed", "true");
    res.json({ user_id: userId, points, places: await readOwnPlaces(deps, { userId, nowMs: nowMs(), zone }) });
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
