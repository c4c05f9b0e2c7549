/**
 * The events of a shard's event stream: the one message that carries a vote from Redis to the rows, the sockets and everything
 * else.
 *
 * On the wire an event is one stream field, `e`, of newline-joined values: a tenth of the parsing a field per value
 * costs, which matters to a worker and every gateway at ten thousand events a second. No value can hold a newline (ids
 * are printable). Lua scripts write it; only this file reads it.
 *
 * | kind | what it says | rows | sockets |
 * | --- | --- | --- | --- |
 * | `vote` | a vote that changed something in Redis | applied | notified |
 * | `unchanged` | a wish that Redis already had: it moves no counter, but it is newer than any wish before it | applied | - |
 * | `counts` | counters that were repaired or reloaded | version only | notified |
 * | `closed` | a voting period ended with these counters, the next begins at zero | period moved on | notified |
 * | `persisted` | written by releases before 0.2 for points; passed over | - | - |
 *
 * The first value is the format. Format 1 holds the layouts that every release knows, format 2 those that came later. A higher
 * one was written by a newer release: `NewerEventError`, and whoever applies events waits for its own update.
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
const FIRST_FORMAT = "1";
const NEWEST_FORMAT = 2;
const VALUES_PER_VOTE = 14;
/** The same, and an Idempotency-Key with the fingerprint of its body; both are empty without a key. */
const VALUES_PER_KEYED_VOTE = 16;
/** The same, and the stamp of the wish. */
const VALUES_PER_UNCHANGED = 17;
const VALUES_PER_COUNTS = 9;
const VALUES_PER_CLOSED = 9;

const count = z.coerce.number().int().nonnegative();

const voteEventSchema = z
  .object({
    kind: z.enum(["vote", "unchanged"]),
    requestId: z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be 1 to 64 visible ASCII characters"),
    projectId: entityIdSchema,
    period: count,
    userId: userIdSchema,
    action: voteActionSchema,
    voteType: voteTypeSchema,
    previousVoteType: voteTypeSchema,
    /** When the vote that it replaces was given, µs; 0 where there was none. Of an `unchanged` wish: when the vote was given. */
    previousAtUs: count,
    /** Of the project; grows with every change of it. */
    version: count,
    /** Of two wishes of one user on one project and period the one with the higher stamp stands. A vote's is its version. */
    stamp: count,
    /** The project's counters after this event. */
    upvotes: count,
    downvotes: count,
    /** When it was taken, µs since 1970. */
    acceptedAtUs: count,
    idempotency: z.object({ key: z.string().min(1), fingerprint: z.string() }).nullable(),
  })
  .refine(({ kind, action }) => (kind === "unchanged") === (action === "unchanged"), {
    path: ["action"],
    message: "a vote that changes nothing is an `unchanged` event, and no other",
  });

export interface VoteEvent {
  kind: "vote" | "unchanged";
  requestId: string;
  projectId: string;
  period: number;
  userId: string;
  action: VoteAction;
  voteType: VoteType;
  previousVoteType: VoteType;
  previousAtUs: number;
  version: number;
  stamp: number;
  upvotes: number;
  downvotes: number;
  acceptedAtUs: number;
  idempotency: { key: string; fingerprint: string } | null;
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

const passedEventSchema = z.object({
  kind: z.literal("persisted"),
  projectId: entityIdSchema,
  period: count,
  version: count,
  upvotes: count,
  downvotes: count,
  acceptedAtUs: count,
});

/** What releases before 0.2 wrote for votes of the fallback. Their rows were there first. */
export type PassedEvent = z.infer<typeof passedEventSchema>;

export type StreamEvent = VoteEvent | CountsEvent | ClosedEvent | PassedEvent;

/** Whether it is a user's wish. */
export const isWish = (event: StreamEvent): event is VoteEvent => event.kind === "vote" || event.kind === "unchanged";

/** The live counters after the event: a period that ended leaves the next one at zero. */
export function countsAfter(event: StreamEvent): VoteCounts {
  if (event.kind === "closed") return { upvotes: 0, downvotes: 0 };
  return { upvotes: event.upvotes, downvotes: event.downvotes };
}

/** The live counters before the event; `null` where it does not say. */
export function countsBefore(event: StreamEvent): VoteCounts | null {
  const { upvotes, downvotes } = event;
  if (event.kind === "closed") return { upvotes, downvotes };
  if (!isWish(event)) return null;
  const moved = voteTransition(event.previousVoteType, event.voteType);
  return { upvotes: upvotes - moved.upvotesDelta, downvotes: downvotes - moved.downvotesDelta };
}

/** The event is of a newer release than this one: it means something, and this release cannot say what. */
export class NewerEventError extends Error {
  override readonly name = "NewerEventError";
  constructor(readonly format: number) {
    super(`an event of format ${format} was written by a newer release; this one knows formats up to ${NEWEST_FORMAT}`);
  }
}

/** A stream entry that is no event: somebody wrote it by hand. */
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

/** @returns `null` for what is no event, or of a newer release */
export function tryParseEvent(wire: string | undefined): StreamEvent | null {
  try {
    return parseEvent(wire);
  } catch (error) {
    if (error instanceof MalformedEventError || error instanceof NewerEventError) return null;
    throw error;
  }
}

/**
 * What an event is about, by a glance: reading it whole takes ten times as long.
 * @returns `null` for what is no event; anything else may still turn out to be none when it is parsed
 */
export function glanceAtEvent(wire: string | undefined): Pick<StreamEvent, "kind" | "projectId"> | null {
  const [format, kind, first, second] = wire?.split("\n", 4) ?? [];
  if (!isKnownFormat(format) || first === undefined) return null;
  if (kind === "counts" || kind === "closed") return { kind, projectId: first };
  if ((kind !== "vote" && kind !== "unchanged" && kind !== "persisted") || second === undefined) return null;
  return { kind, projectId: second };
}

/** Whether an entry is an event of a newer release. Without reading it: this is asked of every entry. */
export function newerFormatOf(wire: string | undefined): number | null {
  const format = /^(\d{1,6})\n/.exec(wire ?? "")?.[1];
  return format !== undefined && Number(format) > NEWEST_FORMAT ? Number(format) : null;
}

const isKnownFormat = (format: string | undefined) => format === FIRST_FORMAT || format === String(NEWEST_FORMAT);

/** @throws {MalformedEventError} {NewerEventError} */
export function parseEvent(wire: string | undefined): StreamEvent {
  if (wire === undefined) throw new MalformedEventError(`no field "${EVENT_FIELD}"`);
  const values = wire.split("\n");
  const [format, kind] = values;
  if (isKnownFormat(format)) {
    if (kind === "vote" && values.length === lengthOfVote(format)) return parseWish(values);
    if (kind === "unchanged" && values.length === VALUES_PER_UNCHANGED) return parseWish(values);
    if (kind === "counts" && values.length === VALUES_PER_COUNTS) return parseCounts(values);
    if (kind === "closed" && values.length === VALUES_PER_CLOSED) return parseClosed(values);
    if (kind === "persisted" && values.length === VALUES_PER_VOTE) return parsePassed(values);
  }
  const newer = newerFormatOf(wire);
  if (newer !== null) throw new NewerEventError(newer);
  throw new MalformedEventError("unknown format");
}

const lengthOfVote = (format: string | undefined) =>
  format === FIRST_FORMAT ? VALUES_PER_VOTE : VALUES_PER_KEYED_VOTE;

function parseWish(values: string[]): VoteEvent {
  const [, kind, requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs] = values;
  const [version, upvotes, downvotes, acceptedAtUs, key = "", fingerprint = "", stamp = version] = values.slice(10);
  const wish = { kind, requestId, projectId, period, userId, action, voteType, previousVoteType, previousAtUs };
  const idempotency = key === "" ? null : { key, fingerprint };
  return valid(voteEventSchema.safeParse({ ...wish, version, upvotes, downvotes, acceptedAtUs, idempotency, stamp }));
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

function parsePassed(values: string[]): PassedEvent {
  const [, kind, , projectId, period] = values;
  const [version, upvotes, downvotes, acceptedAtUs] = values.slice(10);
  return valid(passedEventSchema.safeParse({ kind, projectId, period, version, upvotes, downvotes, acceptedAtUs }));
}

function valid<T>(parsed: z.ZodSafeParseResult<T>): T {
  if (!parsed.success) throw new MalformedEventError(z.prettifyError(parsed.error));
  return parsed.data;
}

/** The wire form of a wish, as `cast-vote.lua` writes it. */
export function voteWire(event: VoteEvent): string {
  const { kind, idempotency, stamp } = event;
  const isFirstFormat = kind === "vote" && idempotency === null;
  const common = [
    isFirstFormat ? FIRST_FORMAT : NEWEST_FORMAT,
    kind,
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
  ];
  if (isFirstFormat) return common.join("\n");
  const keyed = [...common, idempotency?.key ?? "", idempotency?.fingerprint ?? ""];
  return (kind === "unchanged" ? [...keyed, stamp] : keyed).join("\n");
}
