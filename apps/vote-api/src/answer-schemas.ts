/** The shapes of answers, for the OpenAPI document. */
import { entityIdSchema, notificationKindSchema, QUEUES, voteActionSchema, voteTypeSchema } from "@votesync/core";
import { z } from "zod";

const count = z.number().int().nonnegative();
const time = z.iso.datetime();
const version = z.number().int().describe("Grows with every change of the project; drop what is older");

const project = z.object({
  id: entityIdSchema,
  title: z.string(),
  url: z.string().nullable(),
  owner_id: z.string(),
  board_id: z.string().nullable(),
  up_only: z.boolean().describe("A launch: nobody votes against it"),
  upvotes: count,
  downvotes: count,
  voteCount: z.number().int().describe("upvotes - downvotes"),
  score: z.number().min(0).max(1).describe("Lower bound of the Wilson interval of the share of up-votes"),
  hot: z.number().describe("Hot rank"),
  created_at: time,
  version,
});

const vote = z.object({
  status: z.literal("success"),
  message: z.string(),
  data: z.object({
    id: entityIdSchema,
    upvotes: count,
    downvotes: count,
    voteCount: z.number().int(),
    user_vote: z.enum(["up", "down"]).nullable(),
    request_id: z.string(),
    action: voteActionSchema,
    version,
    state: z.literal("pending").optional(),
    degraded: z.literal(true).optional().describe("Redis is away: PostgreSQL took the vote"),
  }),
});

const voteStatus = z.object({
  status: z.literal("success"),
  data: z.object({
    request_id: z.string(),
    project_id: entityIdSchema,
    state: z.enum(["pending", "persisted", "failed", "dead"]),
    action: voteActionSchema,
    accepted_at: time,
    persisted_at: time.nullable(),
    attempts: count,
    error: z.string().nullable(),
    reconciled: z.boolean(),
  }),
});

const jobs = z.object({
  queues: z.array(z.object({ queue: z.enum(QUEUES), waiting: count, active: count, delayed: count, failed: count })),
  running: z.array(
    z.object({
      queue: z.enum(QUEUES),
      id: z.string(),
      name: z.string(),
      data: z.string().describe("The beginning of its data, as JSON"),
      started_at: time.nullable(),
    }),
  ),
});

const owner = z.object({
  owner_id: z.string(),
  projects: count,
  upvotes: count,
  downvotes: count,
  score: z.number().min(0).max(1).describe("Lower bound of the Wilson interval over all votes on the owner's projects"),
});

const notificationList = z.object({
  notifications: z.array(
    z.object({
      id: z.uuid(),
      kind: notificationKindSchema,
      project_id: entityIdSchema,
      text: z.string(),
      created_at: time,
      read_at: time.nullable(),
    }),
  ),
  unread: count.describe("Of all notifications, not only of this page"),
  next_cursor: z.string().nullable(),
});

const notificationsRead = z.object({ read: count.describe("How many were unread before") });

const guestSession = z.object({
  status: z.literal("success"),
  data: z.object({ token: z.string(), user_id: z.string(), expires_at: time }),
});

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

const projectList = z.object({ projects: z.array(project), next_cursor: z.string().nullable() });

const deadLetterEvent = z.object({
  kind: z.enum(["vote", "unchanged", "counts", "closed"]),
  project_id: entityIdSchema,
  period: count,
  version,
  upvotes: count,
  downvotes: count,
  accepted_at: time,
  request_id: z.string().optional(),
  user_id: z.string().optional(),
  action: voteActionSchema.optional(),
  vote_type: voteTypeSchema.optional(),
  previous_vote_type: voteTypeSchema.optional(),
  reason: z.string().optional(),
});

const deadLetter = z.object({
  id: z.string().describe("`<shard>.<stream id>`"),
  shard: count,
  stream_id: z.string(),
  project_id: z.string().nullable(),
  user_id: z.string().nullable(),
  request_id: z.string().nullable(),
  error: z.string().describe("Of the last try"),
  attempts: count,
  created_at: time,
  event: deadLetterEvent.nullable().describe("`null` when the entry cannot be read"),
  fields: z.array(z.string()).describe("The stream entry as it was: name, value, name, value, …"),
  withdrawn: z.boolean().describe("Its vote was taken out of Redis and its voter told"),
  resolution: z.enum(["replayed", "superseded", "dropped"]).nullable(),
  resolved_at: time.nullable(),
  replay_request_id: z.string().nullable(),
});

const deadLetterList = z.object({ dead_letters: z.array(deadLetter), next_cursor: z.string().nullable() });

const reconcileRun = z.object({
  run_id: z.string(),
  state: z.enum(["waiting", "active", "completed", "failed"]),
  report: z
    .object({
      compared: count,
      repaired: z.array(z.object({ project_id: entityIdSchema, drift: z.array(z.enum(["redis", "postgres"])) })),
      waiting: count.describe("Votes of these are on their way; the next pass looks again"),
    })
    .nullable(),
});

const ownVotes = z.object({
  status: z.literal("success"),
  data: z.object({
    votes: z.record(entityIdSchema, z.enum(["up", "down"])),
    upvotes: z.array(entityIdSchema),
    downvotes: z.array(entityIdSchema),
    next_cursor: z.string().nullable(),
  }),
});

const ms = z.number().nonnegative().nullable();

const voteMetrics = z.object({
  total_votes: count.describe("Recorded, over all replicas"),
  total_errors: count.describe("Answered 5xx; the caller's own mistakes are neither"),
  success_rate: z.number().min(0).max(100).describe("Percent of the two"),
  avg_latency_ms: ms,
  last_latency_ms: ms,
  p50_ms: ms,
  p95_ms: ms,
  p99_ms: ms,
  replicas: z.enum(["all", "this one"]).describe("`this one`: Redis is away"),
  queue_depth: count.nullable().describe("Events no worker has applied yet, up to 100,000 a shard"),
  worker_lag_ms: count.nullable().describe("Age of the oldest of them"),
  dead_letters: count.nullable(),
});

const activity = { casts: count, changes: count, removals: count };
const analytics = z.object({
  project_id: entityIdSchema,
  from: time,
  to: time,
  bucket: z.enum(["minute", "hour", "day"]),
  buckets: z.array(z.object({ at: time, ...activity })),
  totals: z.object(activity),
});

export const answerSchemas = {
  ownVotes,
  voteMetrics,
  analytics,
  reconcileRun,
  project,
  projectList,
  vote,
  voteStatus,
  deadLetter,
  deadLetterList,
  jobs,
  owner,
  notificationList,
  notificationsRead,
  guestSession,
  problem,
};
