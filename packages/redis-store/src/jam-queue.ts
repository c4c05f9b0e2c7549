/**
 * Boards as Redis keeps them ready: one hash with the streams and the counters of each, brought up to date by every vote
 * before it is answered. One hash, so whoever reads it sees all streams at one moment, and equal versions are equal boards.
 *
 * It is a copy: nothing here is lost with it, and whoever finds none makes it anew (`load-jam.lua`).
 */
import { type CountedStream, inQueueOrder, type ProjectCounts, type RedisNames, type StreamInfo } from "@votesync/core";
import { z } from "zod";
import type { RedisClient } from "./connection.js";
import { callScript } from "./scripts.js";

/** What nobody votes on or loads for so long is dropped. */
const KEPT_S = 3_600;
/** Votes on a board that are kept to be looked at. */
export const KEPT_ACTIONS = 200;

const streamInfoSchema = z.object({
  id: z.string(),
  title: z.string(),
  url: z.string().nullable(),
  createdAtMs: z.number(),
});

const jamActionSchema = z.object({
  /** ms since 1970. */
  atMs: z.number(),
  userId: z.string(),
  streamId: z.string(),
  voteType: z.enum(["up", "down", "none"]),
  action: z.string(),
  /** Of the stream. */
  version: z.number(),
});
export type JamAction = z.infer<typeof jamActionSchema>;

/** Which streams a board has, as of one structure. */
export interface JamStreams {
  active: StreamInfo | null;
  queue: StreamInfo[];
}
const jamStreamsSchema = z.object({ active: streamInfoSchema.nullable(), queue: z.array(streamInfoSchema) });

export interface StoredJam {
  version: number;
  structure: number;
  active: CountedStream | null;
  /** In queue order. */
  queue: CountedStream[];
}

/**
 * Tells a board the counters of one of its streams.
 * @param action what the vote was, to be kept; `null` when it changed nothing
 */
export async function putStream(
  client: RedisClient,
  names: RedisNames,
  o: { boardId: string; streamId: string; counts: ProjectCounts; action: JamAction | null },
): Promise<void> {
  const keys = [names.jamQueue(o.boardId), names.jamActions(o.boardId)];
  const action = o.action === null ? "" : JSON.stringify(o.action);
  await callScript(client, "put-stream", keys, [o.streamId, countersText(o.counts), KEPT_S, action, KEPT_ACTIONS]);
}

/** @returns `null` when the board is not here as new as it must be: then load it */
export async function readJam(
  client: RedisClient,
  names: RedisNames,
  o: { boardId: string; minStructure: number; maxAgeMs: number },
): Promise<StoredJam | null> {
  const key = names.jamQueue(o.boardId);
  const fields = (await callScript(client, "read-jam", [key], [o.minStructure, o.maxAgeMs * 1_000])) as string[];
  return fields.length === 0 ? null : parseJam(fields);
}

/** @param counts of every stream in it, read after `structure` was */
export async function loadJam(
  client: RedisClient,
  names: RedisNames,
  o: { boardId: string; structure: number; streams: JamStreams; counts: ReadonlyMap<string, ProjectCounts> },
): Promise<StoredJam> {
  const counters = [...o.counts].flatMap(([id, counts]) => [id, countersText(counts)]);
  const args = [o.structure, JSON.stringify(o.streams), KEPT_S, ...counters];
  return parseJam((await callScript(client, "load-jam", [names.jamQueue(o.boardId)], args)) as string[]);
}

/** The board's last votes, newest first, as far as Redis has them. */
export async function readJamActions(client: RedisClient, names: RedisNames, boardId: string): Promise<JamAction[]> {
  const kept = await client.lrange(names.jamActions(boardId), 0, KEPT_ACTIONS - 1);
  return kept.map((text) => jamActionSchema.parse(JSON.parse(text)));
}

const countersText = ({ upvotes, downvotes, version }: ProjectCounts) => `${upvotes}:${downvotes}:${version}`;

function parseCounters(text: string | undefined): ProjectCounts {
  const [upvotes = 0, downvotes = 0, version = 0] = (text ?? "").split(":").map(Number);
  return { upvotes, downvotes, version };
}

function parseJam(fields: string[]): StoredJam {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) values.set(fields[i] as string, fields[i + 1] as string);
  const { active, queue } = jamStreamsSchema.parse(JSON.parse(values.get("streams") ?? ""));
  const counted = (info: StreamInfo) => ({ info, counts: parseCounters(values.get(`c:${info.id}`)) });
  return {
    version: Number(values.get("version")),
    structure: Number(values.get("structure")),
    active: active === null ? null : counted(active),
    queue: inQueueOrder(queue.map(counted)),
  };
}
