/** The streams of a board: its queue, votes on them, the next one, and the trail of what happened. */
import {
  createStreamBodySchema,
  jamActionsQuerySchema,
  nextStreamBodySchema,
  type StreamView,
  streamsQuerySchema,
  streamView,
  streamVoteBodySchema,
} from "@votesync/core";
import { type JamQueues, playNext, QueueBusyError, type ReadJam, readTrail } from "@votesync/jam";
import { findBoard } from "@votesync/postgres-store";
import { type Identity, problem, unavailable } from "@votesync/service-kit";
import type { Request, Response } from "express";
import type pg from "pg";
import { v7 as uuidv7 } from "uuid";
import type { AddToBoard, AddToBoardDeps } from "./add-to-board.js";
import { announceBoard } from "./announce-board.js";
import { callerOf, identityOf } from "./authenticate.js";
import { findOwnVotesLive, type OwnVotesDeps, type Votes } from "./own-votes.js";
import type { HttpAnswer, VoteHttpRequest } from "./vote-route.js";

export interface StreamRoutesDeps extends AddToBoardDeps, Pick<OwnVotesDeps, "redisUsable"> {
  queues: JamQueues;
  addToBoard: AddToBoard;
  recordVote: (request: VoteHttpRequest) => Promise<HttpAnswer>;
}

const noBoard = () => problem(404, "There is no such board.");

export function streamRoutes(deps: StreamRoutesDeps) {
  const { queues } = deps;
  const { pool } = deps.postgres;
  const stores = { redis: deps.redis, names: deps.names, pool };
  const own = { ...stores, redisUsable: deps.redisUsable };

  /** `GET /api/streams` */
  async function queue(req: Request, res: Response): Promise<void> {
    const { jamId, fresh } = streamsQuerySchema.parse(req.query);
    const jam = await queues.read(jamId, { fresh });
    if (jam === null) throw noBoard();
    res.json(await withOwnVotes(own, jam, callerOf(res)));
  }

  /** `POST /api/streams` */
  async function add(req: Request, res: Response): Promise<void> {
    const { jamId, title, url } = createStreamBodySchema.parse(req.body);
    const stream = { id: uuidv7(), title, url, boardId: jamId, ownerId: identityOf(res).userId };
    const project = await deps.addToBoard(stream, { needsBoard: true });
    const view = streamView({ ...stream, createdAtMs: project.createdAt.getTime() }, project);
    res.status(201).json({ ...view, jamId, userVote: null });
  }

  /** `POST /api/streams/upvote` and `/downvote`: the same as a vote on the project. */
  async function vote(voteType: "up" | "down", req: Request, res: Response): Promise<void> {
    const { streamId } = streamVoteBodySchema.parse(req.body);
    const idempotencyKeys = req.headersDistinct["idempotency-key"] ?? [];
    const body = { project_id: streamId, vote_type: voteType };
    const answer = await deps.recordVote({ voter: identityOf(res), body, idempotencyKeys });
    res.status(answer.status).set(answer.headers).json(answer.body);
  }
  const upvote = (req: Request, res: Response) => vote("up", req, res);
  const downvote = (req: Request, res: Response) => vote("down", req, res);

  /** `POST /api/streams/next` */
  async function next(req: Request, res: Response): Promise<void> {
    const { jamId, activeId } = nextStreamBodySchema.parse(req.body);
    await refuseStrangers(pool, jamId, identityOf(res));
    const outcome = await playNext({ pool, queues }, { boardId: jamId, activeId }).catch((error: unknown) => {
      throw error instanceof QueueBusyError ? unavailable("The queue keeps changing: try again.", error) : error;
    });
    if (outcome === null) throw noBoard();
    if (outcome.kind === "moved") throw problem(409, "Another stream is active by now.");
    await announceBoard(deps, jamId);
    res.json(await withOwnVotes(own, outcome.jam, callerOf(res)));
  }

  /** `GET /api/streams/debug` */
  async function trail(req: Request, res: Response): Promise<void> {
    const { jamId } = jamActionsQuerySchema.parse(req.query);
    await refuseStrangers(pool, jamId, identityOf(res));
    const actions = (await readTrail(stores, jamId)).map(({ atMs, ...vote }) => ({
      at: new Date(atMs).toISOString(),
      user_id: vote.userId,
      stream_id: vote.streamId,
      vote_type: vote.voteType,
      action: vote.action,
      version: vote.version,
    }));
    res.json({ jamId, actions });
  }

  return { queue, add, upvote, downvote, next, trail };
}

async function withOwnVotes(deps: OwnVotesDeps, { state, degraded }: ReadJam, caller: Identity | null) {
  const { jamId, version, activeStream, streams } = state;
  const projectIds = [...streams, ...(activeStream === null ? [] : [activeStream])].map(({ id }) => id);
  const own: Votes =
    caller === null || projectIds.length === 0
      ? new Map()
      : await findOwnVotesLive(deps, { userId: caller.userId, projectIds, degraded });
  const withOwn = (stream: StreamView) => ({ ...stream, userVote: own.get(stream.id) ?? null });
  return {
    jamId,
    version,
    activeStream: activeStream === null ? null : withOwn(activeStream),
    streams: streams.map(withOwn),
  };
}

/** @throws {HttpError} unless the caller owns the board, or is an admin */
async function refuseStrangers(pool: pg.Pool, boardId: string, { userId, role }: Identity): Promise<void> {
  const board = await findBoard(pool, boardId);
  if (board === null) throw noBoard();
  if (board.ownerId !== userId && role !== "admin") throw problem(403, "This is for the board's owner.");
}
