/** What callers may send, declared once: vote-api parses with these, and its OpenAPI document is made from them. */
import { z } from "zod";
import { entityIdSchema, userIdSchema } from "./ids.js";
import { launchDateSchema } from "./launch-day.js";
import { LEADERBOARD_PERIODS, leaderboardPeriodSchema } from "./leaderboard.js";
import { voteTypeSchema } from "./vote.js";

/** `accepted`: in Redis, its append-only file synced. `committed`: also in PostgreSQL. */
export const durabilitySchema = z.enum(["accepted", "committed"]);
export type Durability = z.infer<typeof durabilitySchema>;

export const castVoteBodySchema = z.strictObject({
  project_id: entityIdSchema,
  vote_type: voteTypeSchema,
  durability: durabilitySchema.default("accepted"),
});
export type CastVoteBody = z.infer<typeof castVoteBodySchema>;

const webUrlSchema = z
  .string()
  .max(2048)
  .regex(/^[^\p{C}\p{Z}]+$/u, "must not be empty, nor hold blanks or control characters")
  .pipe(z.url({ protocol: /^https?$/ }));

/** On one line, and something can be seen of it. */
const titleSchema = z
  .string()
  .trim()
  .max(200)
  .regex(/^(?=.*[^\p{C}\p{Z}])[^\p{Cc}\p{Cs}]*$/u, "must be visible, and hold no control characters");

export const createProjectBodySchema = z.strictObject({
  id: entityIdSchema.optional(),
  title: titleSchema,
  url: webUrlSchema.optional(),
  board_id: entityIdSchema.optional(),
});
export type CreateProjectBody = z.infer<typeof createProjectBodySchema>;

/** `server-first`: pages show a vote once it is answered. `optimistic`: at once. */
export const BOARD_MODES = ["server-first", "optimistic"] as const;
export type BoardMode = (typeof BOARD_MODES)[number];

export const createBoardBodySchema = z.strictObject({
  id: entityIdSchema.optional(),
  title: titleSchema,
  mode: z.enum(BOARD_MODES).default("server-first"),
});

export const createStreamBodySchema = z.strictObject({ jamId: entityIdSchema, title: titleSchema, url: webUrlSchema });

export const streamVoteBodySchema = z.strictObject({ streamId: entityIdSchema });

export const nextStreamBodySchema = z.strictObject({
  jamId: entityIdSchema,
  /** What the caller sees as active: when it is another one, nothing happens. So asking twice skips only one. */
  activeId: entityIdSchema.nullable().optional(),
});

export const jamActionsQuerySchema = z.strictObject({ jamId: entityIdSchema });

export const PROJECT_SORTS = ["hot", "top", "new", "best"] as const;
export type ProjectSort = (typeof PROJECT_SORTS)[number];

export const MAX_PAGE_SIZE = 100;
export const DEFAULT_PAGE_SIZE = 20;

/** A page size in a query string: digits only, so `1e2`, ` 5` and `0x10` are refused. */
const limitSchema = z
  .string()
  .regex(/^\d{1,3}$/, "must be a whole number")
  .transform(Number)
  .pipe(z.number().int().min(1).max(MAX_PAGE_SIZE))
  .default(DEFAULT_PAGE_SIZE);

const idListSchema = z
  .string()
  .transform((list) => [...new Set(list.split(","))])
  .pipe(z.array(entityIdSchema).min(1).max(MAX_PAGE_SIZE));

export const listProjectsQuerySchema = z.strictObject({
  ids: idListSchema.optional(),
  board_id: entityIdSchema.optional(),
  sort: z.enum(PROJECT_SORTS).default("hot"),
  limit: limitSchema,
  cursor: z.string().min(1).max(512).optional(),
});
export type ListProjectsQuery = z.infer<typeof listProjectsQuerySchema>;

export const listBoardsQuerySchema = z.strictObject({
  limit: limitSchema,
  cursor: z.string().min(1).max(512).optional(),
});

export const streamsQuerySchema = z.strictObject({
  jamId: entityIdSchema,
  /** Reads every counter anew, whatever is kept ready. */
  fresh: z
    .enum(["0", "1"])
    .default("0")
    .transform((value) => value === "1"),
});

export const ownVotesQuerySchema = z.strictObject({
  project_ids: idListSchema.optional(),
  limit: limitSchema.unwrap().default(MAX_PAGE_SIZE),
  cursor: z.string().min(1).max(512).optional(),
});

/** A date, or a moment with its offset. */
const momentSchema = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], "must be a date or a date-time with an offset")
  .transform((text) => new Date(text))
  .refine((moment) => moment.getTime() >= 0 && moment.getTime() < 253_402_300_800_000, "must be between 1970 and 9999");

export const analyticsQuerySchema = z.strictObject({
  project_id: entityIdSchema,
  from: momentSchema.optional(),
  to: momentSchema.optional(),
  bucket: z.enum(["minute", "hour", "day"]).default("hour"),
});

export const reconcileBodySchema = z.strictObject({
  /** These alone; else what changed lately. */
  project_ids: z.array(entityIdSchema).min(1).max(1_000).optional(),
  /** All projects, with their rows counted. */
  full: z.boolean().default(false),
});

export const listDeadLettersQuerySchema = z.strictObject({
  /** Those too that were replayed or dropped. */
  all: z.enum(["true", "false"]).default("false"),
  limit: limitSchema,
  cursor: z.string().min(1).max(512).optional(),
});

export const listNotificationsQuerySchema = z.strictObject({
  limit: limitSchema,
  cursor: z.string().min(1).max(512).optional(),
  unread: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true"),
});

/** Which notifications were read: these, or all there are. */
export const readNotificationsBodySchema = z
  .strictObject({ ids: z.array(z.uuid()).min(1).max(MAX_PAGE_SIZE).optional(), all: z.literal(true).optional() })
  .refine(({ ids, all }) => (ids === undefined) !== (all === undefined), "must hold either ids or all");

const instantSchema = z.iso
  .datetime({ offset: true, error: "must be a date-time with an offset" })
  .transform((text) => new Date(text))
  .refine((instant) => instant.getTime() >= 0, "must be after 1970");

/** An app on a launch day; or between two instants of an admin's choice, on a day that is given or that of the first. */
export const launchAppBodySchema = z
  .strictObject({
    appId: entityIdSchema.optional(),
    name: titleSchema,
    launchDate: launchDateSchema.optional(),
    opensAt: instantSchema.optional(),
    closesAt: instantSchema.optional(),
  })
  .refine(({ opensAt, closesAt }) => (opensAt === undefined) === (closesAt === undefined), {
    path: ["closesAt"],
    message: "opensAt and closesAt come together",
  })
  .refine(({ opensAt, closesAt }) => !(opensAt instanceof Date && closesAt instanceof Date) || opensAt < closesAt, {
    path: ["closesAt"],
    message: "must be after opensAt",
  })
  .refine(({ launchDate, opensAt }) => launchDate !== undefined || opensAt !== undefined, {
    path: ["launchDate"],
    message: "is missing",
  });
export type LaunchAppBody = z.output<typeof launchAppBodySchema>;

export const launchDayQuerySchema = z.strictObject({ date: launchDateSchema.optional() });

export const launchHealthQuerySchema = z.strictObject({ date: launchDateSchema });

export const finalizeBodySchema = z.strictObject({ date: launchDateSchema });

export const MAX_RECOVERED_APPS = 1_000;

export const recoverVotesBodySchema = z.strictObject({
  date: launchDateSchema,
  /** All of the day when left out. */
  appIds: z.array(entityIdSchema).min(1).max(MAX_RECOVERED_APPS).optional(),
  /** Says what would be done. */
  dry_run: z.boolean().default(false),
});

const MAX_OFFSET = 10_000_000;

export const leaderboardQuerySchema = z.strictObject({
  period: leaderboardPeriodSchema.default("daily"),
  limit: limitSchema,
  offset: z
    .string()
    .regex(/^\d{1,8}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().int().max(MAX_OFFSET))
    .default(0),
});

const MAX_POINTS = 1_000_000_000;

export const scoreBodySchema = z.strictObject({
  user_id: userIdSchema,
  /** May be negative. */
  points: z.int().min(-MAX_POINTS).max(MAX_POINTS),
});

export const syncBodySchema = z.strictObject({
  /** The same report, and nothing is written. */
  dry_run: z.boolean().default(false),
  periods: z
    .array(leaderboardPeriodSchema)
    .min(1)
    .max(4)
    .default([...LEADERBOARD_PERIODS]),
  /** Everybody, not only who changed. */
  full: z.boolean().default(false),
  /** Deletes however much there is to delete. */
  force: z.boolean().default(false),
});

export const undoSyncBodySchema = z.strictObject({ run_id: z.uuid() });

export const syncHistoryQuerySchema = z.strictObject({ limit: limitSchema });

/** How many names one `subscribe` or `unsubscribe` may carry, over all its lists. */
export const MAX_SUBSCRIPTION_NAMES = 200;

const names = z.array(entityIdSchema).max(MAX_SUBSCRIPTION_NAMES).default([]);

export const subscriptionSchema = z
  .strictObject({
    projects: names,
    boards: names,
    launches: z.array(launchDateSchema).max(MAX_SUBSCRIPTION_NAMES).default([]),
    leaderboards: z.array(leaderboardPeriodSchema).default([]),
  })
  .refine(
    (lists) => Object.values(lists).reduce((sum, list) => sum + list.length, 0) <= MAX_SUBSCRIPTION_NAMES,
    `at most ${MAX_SUBSCRIPTION_NAMES} names in one call`,
  );
export type Subscription = z.infer<typeof subscriptionSchema>;
