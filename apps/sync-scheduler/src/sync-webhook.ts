/** Tells whoever is configured of runs that failed or changed much: a job of its own, tried again until it arrives. */
import { handles, type JobHandler, type JobQueue, syncWebhookJob } from "@votesync/jobs";
import { isRefusal, type SyncReport } from "@votesync/leaderboard";
import type { Logger } from "@votesync/service-kit";
import { sendWebhook, type WebhookTarget } from "@votesync/webhook";
import { v4 as uuidv4 } from "uuid";

export interface SyncWebhookDeps {
  /** `null`: nobody is told. */
  target: WebhookTarget | null;
  /** Rows that a run updates or deletes to be worth telling. */
  largeChange: number;
  queue: JobQueue;
  now: () => Date;
  log: Logger;
}

export class SyncWebhook {
  constructor(private readonly deps: SyncWebhookDeps) {}

  /** Never fails: a run is not worse for nobody hearing of it. */
  async done(report: SyncReport): Promise<void> {
    const rows = Object.values(report.by_period).reduce((sum, counts) => sum + counts.updated + counts.deleted, 0);
    if (rows < this.deps.largeChange || report.dry_run) return;
    await this.tell("sync.large-change", { ...report });
  }

  async failed(error: unknown): Promise<void> {
    const refused = isRefusal(error);
    const words = error instanceof Error ? error.message : String(error);
    await this.tell(refused ? "sync.refused" : "sync.failed", { error: words });
  }

  private async tell(type: "sync.failed" | "sync.refused" | "sync.large-change", data: object): Promise<void> {
    const { target, queue, now, log } = this.deps;
    if (target === null) return;
    const message = { id: uuidv4(), type, at: now().toISOString(), data: { ...data } };
    await queue.add(syncWebhookJob, message).catch((error: unknown) => {
      log.error({ err: error, type }, "a webhook cannot be sent: the queue is away");
    });
  }

  /** Does the jobs. */
  handler(): JobHandler {
    return handles(syncWebhookJob, async ({ at, ...message }) => {
      const { target } = this.deps;
      if (target !== null) await sendWebhook(target, { ...message, at: new Date(at) });
    });
  }
}
