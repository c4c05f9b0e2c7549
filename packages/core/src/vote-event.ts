/**
 * The vote event: the one message that carries a vote from Redis to the rows, the sockets and everything else.
 *
 * On the wire it is one stream field, `e`, of newline-joined values in the order below: a tenth of the parsing a
 * field per value costs, which matters to a worker and every gateway at ten thousand events a second. No value
 * can hold a newline (ids are printable). `cast-vote.lua` writes it; only this file reads it.
 */
import { z } from "zod";
import { entityIdSchema, userIdSchema } from "./ids.js";
import { type VoteAction, type VoteType, voteActionSchema, voteTypeSchema } from "./vote.js";

export const EVENT_FIELD = "e";
const EVENT_FORMAT = "1";
const VALUES_PER_EVENT = 14;

const count = z.coerce.number().int().nonnegative();

const voteEventSchema = z.object({
  requestId: z.string().min(1).max(64),
  projectId: entityIdSchema,
  period: count,
  userId: userIdSchema,
  action: voteActionSchema.exclude(["unchanged"]),
  voteType: voteTypeSchema,
  previousVoteType: voteTypeSchema,
  /** When the vote it replaces was given, µs; 0 where there was none. Points are taken back from that moment's periods. */
  previousAtUs: count,
  /** Grows per project with every change; also the event's identity together with the project. */
  version: count,
  /** The project's counters after this event. */
  upvotes: count,
  downvotes: count,
  /** When Redis took it, µs since 1970. */
  acceptedAtUs: count,
});

export interface VoteEvent {
  requestId: string;
  projectId: string;
  period: number;
  userId: string;
  action: Exclude<VoteAction, "unchanged">;
  voteType: VoteType;
  previousVoteType: VoteType;
  previousAtUs: number;
  version: number;
  upvotes: number;
  downvotes: number;
  acceptedAtUs: number;
}

/** A stream entry that is no vote event: written by hand, or by a version this one does not know. */
export class MalformedEventError extends Error {
  override readonly name = "MalformedEventError";
  constructor(readonly reason: string) {
    super("stream entry is not a vote event");
  }
}

/** @throws {MalformedEventError} */
export function parseVoteEvent(wire: string | undefined): VoteEvent {
  if (wire === undefined) throw new MalformedEventError(`no field "${EVENT_FIELD}"`);
  const values = wire.split("\n");
  if (values[0] !== EVENT_FORMAT || values[1] !== "vote" || values.length !== VALUES_PER_EVENT) {
    throw new MalformedEventError("unknown format");
  }
  const [, , requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs] = values;
  const [version, upvotes, downvotes, acceptedAtUs] = values.slice(10);
  const event = { requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs };
  const parsed = voteEventSchema.safeParse({ ...event, version, upvotes, downvotes, acceptedAtUs });
  if (!parsed.success) throw new MalformedEventError(z.prettifyError(parsed.error));
  return parsed.data;
}
