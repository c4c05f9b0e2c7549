import { QUEUES } from "@votesync/core";
import type { Jobs } from "@votesync/jobs";
import type { RequestHandler } from "express";

/** `GET /api/votes/jobs`: what waits and what runs, over all queues. */
export const jobsHandler =
  (jobs: Jobs): RequestHandler =>
  async (_req, res) => {
    const queues = Object.values(QUEUES).map((name) => jobs.queue(name));
    const [counts, running] = await Promise.all([
      Promise.all(queues.map(async (queue) => ({ queue: queue.name, ...(await queue.counts()) }))),
      Promise.all(queues.map((queue) => queue.running())),
    ]);
    res.json({
      queues: counts,
      running: running.flat().map(({ queue, id, name, summary, startedAt }) => ({
        queue,
        id,
        name,
        data: summary,
        started_at: startedAt?.toISOString() ?? null,
      })),
    });
  };
