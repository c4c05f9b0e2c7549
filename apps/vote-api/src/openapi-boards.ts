/** Boards and their streams in the OpenAPI document. */
import {
  BOARD_MODES,
  createBoardBodySchema,
  createStreamBodySchema,
  entityIdSchema,
  jamActionsQuerySchema,
  listBoardsQuerySchema,
  nextStreamBodySchema,
  streamsQuerySchema,
  streamVoteBodySchema,
} from "@votesync/core";
import { z } from "zod";
import { answerSchemas } from "./answer-schemas.js";
import type { RouteParts } from "./openapi.js";

const count = z.number().int().nonnegative();
const version = z.number().int().nonnegative();
const time = z.iso.datetime();

const board = z.object({
  id: entityIdSchema,
  title: z.string(),
  mode: z.enum(BOARD_MODES).describe("When pages show a vote: once it is answered, or at once"),
  owner_id: z.string(),
  created_at: time,
});
const boards = z.object({ boards: z.array(board), next_cursor: z.string().nullable() });

const stream = z.object({
  id: entityIdSchema,
  title: z.string(),
  url: z.string().nullable(),
  upvotes: count,
  downvotes: count,
  votes: z.number().int().describe("Up-votes minus down-votes"),
  version: version.describe("Of the stream: drop what is older"),
  userVote: z.enum(["up", "down"]).nullable(),
});
const queue = z.object({
  jamId: entityIdSchema,
  version: version.describe("Of the board: drop what is older"),
  activeStream: stream.nullable(),
  streams: z.array(stream).describe("In queue order: most votes first, then the oldest"),
});
const added = stream.extend({ jamId: entityIdSchema });

const trail = z.object({
  jamId: entityIdSchema,
  actions: z
    .array(
      z.object({
        at: time,
        user_id: z.string(),
        stream_id: entityIdSchema,
        vote_type: z.enum(["up", "down", "none"]),
        action: z.string(),
        version,
      }),
    )
    .describe("Newest first, at most 200"),
});

export const boardRouteDocs = (parts: RouteParts) => [...boardDocs(parts), ...queueDocs(parts), ...voteDocs(parts)];

const boardDocs = ({ json, body, problemJson, security, problems }: RouteParts) => [
  {
    method: "post" as const,
    path: "/api/boards",
    summary: "Make a board",
    security,
    request: { body: body(createBoardBodySchema) },
    responses: {
      201: json(board, "Made"),
      400: problems[400],
      401: problems[401],
      409: problemJson("The id is taken"),
      503: problems[503],
    },
  },
  {
    method: "get" as const,
    path: "/api/boards",
    summary: "Boards, the newest first",
    request: { query: listBoardsQuerySchema },
    responses: { 200: json(boards, "A page"), 400: problems[400], 503: problems[503] },
  },
  {
    method: "get" as const,
    path: "/api/boards/{id}",
    summary: "One board",
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: json(board, "The board"), 404: problemJson("There is none"), 503: problems[503] },
  },
];

const forOwner = ({ problemJson, problems }: RouteParts) => ({
  400: problems[400],
  401: problems[401],
  403: problemJson("For the board's owner and admins"),
  404: problemJson("There is no such board"),
  503: problems[503],
});

function queueDocs(parts: RouteParts) {
  const { json, body, problemJson, security, problems } = parts;
  return [
    {
      method: "get" as const,
      path: "/api/streams",
      summary: "A board's queue, with every vote that was answered before",
      description: "With a token, `userVote` is the caller's.",
      request: { query: streamsQuerySchema },
      responses: {
        200: json(queue, "The queue"),
        400: problems[400],
        401: problems[401],
        404: problemJson("There is no such board"),
        503: problems[503],
      },
    },
    {
      method: "post" as const,
      path: "/api/streams",
      summary: "Add a stream to a board's queue",
      security,
      request: { body: body(createStreamBodySchema) },
      responses: {
        201: json(added, "Added"),
        400: problems[400],
        401: problems[401],
        404: problemJson("There is no such board"),
        409: problemJson("The queue is full"),
        503: problems[503],
      },
    },
    {
      method: "post" as const,
      path: "/api/streams/next",
      summary: "The first stream leaves the queue and becomes active; none, when the queue is empty (owner, admin)",
      description: "With `activeId`, only if that one is active now: so asking twice skips only one.",
      security,
      request: { body: body(nextStreamBodySchema) },
      responses: {
        200: json(queue, "The board after it"),
        ...forOwner(parts),
        409: problemJson("Another one is active"),
      },
    },
    {
      method: "get" as const,
      path: "/api/streams/debug",
      summary: "The last votes on a board (owner, admin)",
      security,
      request: { query: jamActionsQuerySchema },
      responses: { 200: json(trail, "The trail"), ...forOwner(parts) },
    },
  ];
}

const voteDocs = ({ json, body, problemJson, security, problems }: RouteParts) =>
  (["upvote", "downvote"] as const).map((path) => ({
    method: "post" as const,
    path: `/api/streams/${path}`,
    summary: `A vote on a stream, as POST /api/votes takes it: ${path === "upvote" ? "up" : "down"}`,
    security,
    request: {
      headers: z.object({ "Idempotency-Key": z.string().min(1).max(255).optional() }),
      body: body(streamVoteBodySchema),
    },
    responses: {
      200: json(answerSchemas.vote, "Recorded"),
      400: problems[400],
      401: problems[401],
      404: problemJson("There is no such stream"),
      422: problemJson("The Idempotency-Key was used with another body, or only up-votes are taken"),
      429: problemJson("Too many votes"),
      503: problems[503],
    },
  }));
