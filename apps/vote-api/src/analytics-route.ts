import { analyticsQuerySchema } from "@votesync/core";
import { findProjects, type PostgresConnection, readVoteActivity } from "@votesync/postgres-store";
import { problem } from "@votesync/service-kit";
import type { RequestHandler } from "express";
import { identityOf } from "./authenticate.js";

const BUCKET_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MAX_BUCKETS = 10_000;
const DEFAULT_SPAN_MS = 86_400_000;

/** `GET /api/votes/analytics`: casts, changes and removals over time, for the project's owner and admins. */
export const analyticsHandler =
  (postgres: PostgresConnection, now: () => Date): RequestHandler =>
  async (req, res) => {
    const { project_id: projectId, bucket, ...span } = analyticsQuerySchema.parse(req.query);
    const to = span.to ?? now();
    const from = span.from ?? new Date(to.getTime() - DEFAULT_SPAN_MS);
    refuseWrongSpan(from, to, BUCKET_MS[bucket]);
    const [project] = await findProjects(postgres.prisma, [projectId]);
    if (project === undefined) throw problem(404, "There is no such project.");
    const { userId, role } = identityOf(res);
    if (project.ownerId !== userId && role !== "admin") throw problem(403, "This is for the project's owner.");
    const activity = await readVoteActivity(postgres.pool, { projectId, from, to, bucket });
    const sum = (of: "casts" | "changes" | "removals") => activity.reduce((total, one) => total + one[of], 0);
    res.json({
      project_id: projectId,
      from: from.toISOString(),
      to: to.toISOString(),
      bucket,
      buckets: activity.map(({ at, ...counts }) => ({ at: at.toISOString(), ...counts })),
      totals: { casts: sum("casts"), changes: sum("changes"), removals: sum("removals") },
    });
  };

function refuseWrongSpan(from: Date, to: Date, bucketMs: number): void {
  const wrong = (message: string) =>
    problem(400, "The span of time cannot be answered.", { errors: [{ path: "from", message }] });
  if (from >= to) throw wrong("must be before `to`");
  if ((to.getTime() - from.getTime()) / bucketMs > MAX_BUCKETS) throw wrong(`must give at most ${MAX_BUCKETS} buckets`);
}
