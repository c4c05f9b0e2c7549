/**
 * The events of a shard's stream: the one message that carries a vote from Redis to the rows, the sockets and everything
 * else.
 *
 * On the wire an event is one stream field, `e`, of newline-joined values: a tenth of the parsing a field per value
 * costs, which matters to a worker and every gateway at ten thousand events a second. No value can hold a newline (ids
 * are printable). Lua scripts write it; only this file reads it.
 *
 * | kind | what it says | rows | sockets | points |
 * | --- | --- | --- | --- | --- |
 * | `vote` | a vote that Redis took | applied | told | counted |
 * | `persisted` | a vote that the fallback took; its rows were there first | - | - | counted |
 * | `counts` | counters that were repaired or read anew | version only | told | - |
 * | `closed` | a period ended with these counters, the next begins at zero | period moved on | told | - |
 */
import { z } from "zod";
import { entityIdSchema, userIdSchema } from "./ids.js";
import {
  type VoteAction,
  type VoteCounts,
  type VoteType,
  voteActionSchema,
  voteTransition,
  voteTypeSchema,
} from "./vote.js";

export const EVENT_FIELD = "e";
const EVENT_FORMAT = "1";
const VALUES_PER_VOTE = 14;
const VALUES_PER_COUNTS = 9;
const VALUES_PER_CLOSED = 9;

const count = z.coerce.number().int().nonnegative();

const voteEventFields = z.object({
  kind: z.enum(["vote", "persisted"]),
  requestId: z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be 1 to 64 visible ASCII characters"),
  projectId: entityIdSchema,
  period: count,
  userId: userIdSchema,
  /** `unchanged` only from the fallback: what Redis knew meanwhile, it could not see. */
  action: voteActionSchema,
  voteType: voteTypeSchema,
  previousVoteType: voteTypeSchema,
  /** When the vote it replaces was given, µs; 0 where there was none. Points are taken back from that moment's periods. */
  previousAtUs: count,
  /** Grows per project with every change; also the event's identity together with the project. */
  version: count,
  /** The project's counters after this event. */
  upvotes: count,
  downvotes: count,
  /** When it was taken, µs since 1970. */
  acceptedAtUs: count,
});
const voteEventSchema = voteEventFields.refine(({ kind, action }) => kind === "persisted" || action !== "unchanged", {
  path: ["action"],
  message: "a vote that changes nothing is no event",
});

export interface VoteEvent {
  kind: "vote" | "persisted";
  requestId: string;
  projectId: string;
  period: number;
  userId: string;
  action: VoteAction;
  voteType: VoteType;
  previousVoteType: VoteType;
  previousAtUs: number;
  version: number;
  upvotes: number;
  downvotes: number;
  acceptedAtUs: number;
}

/** Why a project's counters were told without a vote: the `reason` of `vote:reconciled`. */
export const RECONCILE_REASONS = [
  /** Redis's counters were not those of the rows. */
  "redis-drift",
  /** The counters in `projects` were not those of the rows. */
  "postgres-drift",
  /** Votes came in while Redis was away. */
  "recovered",
  /** Redis lost its data, or an operator asked for it. */
  "rebuilt",
  /** A vote could not be stored and was taken back. */
  "vote-failed",
] as const;
export type ReconcileReason = (typeof RECONCILE_REASONS)[number];

const countsEventSchema = z.object({
  kind: z.literal("counts"),
  projectId: entityIdSchema,
  period: count,
  version: count,
  upvotes: count,
  downvotes: count,
  reason: z.enum(RECONCILE_REASONS),
  /** µs since 1970. */
  acceptedAtUs: count,
});
export type CountsEvent = z.infer<typeof countsEventSchema>;

const closedEventSchema = z.object({
  kind: z.literal("closed"),
  projectId: entityIdSchema,
  /** The one that ended. */
  period: count,
  version: count,
  /** Its counters at the instant. */
  upvotes: count,
  downvotes: count,
  /** The instant, µs since 1970; the event itself may be written long after it. */
  instantUs: count,
  acceptedAtUs: count,
});
export type ClosedEvent = z.infer<typeof closedEventSchema>;

export type StreamEvent = VoteEvent | CountsEvent | ClosedEvent;

/** The live counters after the event: a period that ended leaves the next one at zero. */
export function countsAfter(event: StreamEvent): VoteCounts {
  if (event.kind === "closed") return { upvotes: 0, downvotes: 0 };
  return { upvotes: event.upvotes, downvotes: event.downvotes };
}

/** The live counters before the event; `null` where it does not say. */
export function countsBefore(event: StreamEvent): VoteCounts | null {
  if (event.kind === "counts") return null;
  const { upvotes, downvotes } = event;
  if (event.kind === "closed") return { upvotes, downvotes };
  const moved = voteTransition(event.previousVoteType, event.voteType);
  return { upvotes: upvotes - moved.upvotesDelta, downvotes: downvotes - moved.downvotesDelta };
}

/** A stream entry that is no event: written by hand, or by a version this one does not know. */
export class MalformedEventError extends Error {
  override readonly name = "MalformedEventError";
  constructor(readonly reason: string) {
    super("stream entry is not an event");
  }
}

/** The event's wire form among a stream entry's fields (name, value, name, value, …); `undefined` when it has none. */
export function wireOf(fields: readonly string[]): string | undefined {
  if (fields[0] === EVENT_FIELD) return fields[1];
  const at = fields.findIndex((field, i) => i % 2 === 0 && field === EVENT_FIELD);
  return at < 0 ? undefined : fields[at + 1];
}

/** @returns `null` for what is no event */
export function tryParseEvent(wire: string | undefined): StreamEvent | null {
  try {
    return parseEvent(wire);
  } catch (error) {
    if (error instanceof MalformedEventError) return null;
    throw error;
  }
}

/**
 * What an event is about, by a glance: reading it whole takes ten times as long.
 * @returns `null` for what is no event; anything else may still turn out to be none when it is parsed
 */
export function glanceAtEvent(wire: string | undefined): Pick<StreamEvent, "kind" | "projectId"> | null {
  const [format, kind, first, second] = wire?.split("\n", 4) ?? [];
  if (format !== EVENT_FORMAT || first === undefined) return null;
  if (kind === "counts" || kind === "closed") return { kind, projectId: first };
  if ((kind !== "vote" && kind !== "persisted") || second === undefined) return null;
  return { kind, projectId: second };
}

/** @throws {MalformedEventError} */
export function parseEvent(wire: string | undefined): StreamEvent {
  if (wire === undefined) throw new MalformedEventError(`no field "${EVENT_FIELD}"`);
  const values = wire.split("\n");
  const [format, kind] = values;
  if (format === EVENT_FORMAT) {
    if ((kind === "vote" || kind === "persisted") && values.length === VALUES_PER_VOTE) return parseVote(values);
    if (kind === "counts" && values.length === VALUES_PER_COUNTS) return parseCounts(values);
    if (kind === "closed" && values.length === VALUES_PER_CLOSED) return parseClosed(values);
  }
  throw new MalformedEventError("unknown format");
}

function parseVote(values: string[]): VoteEvent {
  const [, kind, requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs] = values;
  const [version, upvotes, downvotes, acceptedAtUs] = values.slice(10);
  const event = { kind, requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs };
  return valid(voteEventSchema.safeParse({ ...event, version, upvotes, downvotes, acceptedAtUs }));
}

function parseCounts(values: string[]): CountsEvent {
  const [, kind, projectId, period, version, upvotes, downvotes, reason, acceptedAtUs] = values;
  return valid(
    countsEventSchema.safeParse({ kind, projectId, period, version, upvotes, downvotes, reason, acceptedAtUs }),
  );
}

function parseClosed(values: string[]): ClosedEvent {
  const [, kind, projectId, period, version, upvotes, downvotes, instantUs, acceptedAtUs] = values;
  return valid(
    closedEventSchema.safeParse({ kind, projectId, period, version, upvotes, downvotes, instantUs, acceptedAtUs }),
  );
}

function valid<T>(parsed: z.ZodSafeParseResult<T>): T {
  if (!parsed.success) throw new MalformedEventError(z.prettifyError(parsed.error));
  return parsed.data;
}

/** The wire form of a vote that the fallback took. */
export const persistedWire = (event: VoteEvent): string => voteWire({ ...event, kind: "persisted" });

/** The wire form of a vote. Votes that Redis takes are written by `cast-vote.lua`. */
export function voteWire(event: VoteEvent): string {
  return [
    EVENT_FORMAT,
    event.kind,
    event.requestId,
    event.projectId,
    event.period,
    event.userId,
    event.action,
    event.voteType,
    event.previousVoteType,
    event.previousAtUs,
    event.version,
    event.upvotes,
    event.downvotes,
    event.acceptedAtUs,
  ].join("\n");
}
