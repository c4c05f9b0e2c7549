/**
 * Where jobs are added and counted. Fails at once while Redis is away, and the caller decides: BullMQ alone would wait
 * for a connection without a bound.
 *
 * A BullMQ queue whose first words with the server got lost stays broken for ever, so such a one is thrown away and
 * opened anew with the next call.
 */
import type { QueueName } from "@votesync/core";
import { createLoop, type Logger, type Service, withDeadline } from "@votesync/service-kit";
import { type JobsOptions, Queue } from "bullmq";
import type { JobsClient } from "./connections.js";
import { errorListener } from "./error-log.js";
import type { JobKind } from "./job.js";

export class QueueUnavailableError extends Error {
  override readonly name = "QueueUnavailableError";
  constructor(readonly queue: QueueName) {
    super("the queue cannot be reached");
  }
}

const CALL_TIMEOUT_MS = 2_000;
const CLOSE_TIMEOUT_MS = 500;
/** Besides at every connect: a Redis that was emptied in place tells nobody. */
const UPSERT_TICK_MS = 60_000;
const MAX_LISTED = 100;
const MAX_SUMMARY_CHARACTERS = 200;

/** Enough to see what happened lately; finished jobs mean nothing to this project. */
const KEPT = {
  removeOnComplete: { age: 3_600, count: 1_000 },
  removeOnFail: { age: 7 * 86_400, count: 1_000 },
} satisfies JobsOptions;

export interface AddOptions {
  /** While a job with this id waits or runs, adding another does nothing. */
  deduplicationId?: string;
  delayMs?: number;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface RunningJob {
  queue: QueueName;
  id: string;
  name: string;
  /** The beginning of its data. */
  summary: string;
  startedAt: Date | null;
}

export type JobOutcome =
  | { state: "waiting" | "active" }
  | { state: "completed"; result: unknown }
  | { state: "failed"; reason: string };

type BullQueue = Queue<unknown, unknown, string>;

export class JobQueue {
  private opened: BullQueue | null = null;

  constructor(
    readonly name: QueueName,
    private readonly client: JobsClient,
    private readonly prefix: string,
    private readonly log: Logger,
  ) {}

  /**
   * @returns the job's id; that of the one already there when it was deduplicated
   * @throws {QueueUnavailableError} or what Redis answered; the job may have been added all the same
   */
  async add<T>(kind: JobKind<T>, data: T, options: AddOptions = {}): Promise<string> {
    const deduplication =
      options.deduplicationId === undefined ? {} : { deduplication: { id: options.deduplicationId } };
    const delay = options.delayMs === undefined ? {} : { delay: options.delayMs };
    const job = await this.use((queue) =>
      queue.add(kind.name, data, { ...optionsOf(kind), ...deduplication, ...delay }),
    );
    return String(job.id);
  }

  /**
   * Adds such a job again and again, as long as anybody schedules it; several processes that do make one job each time.
   * The schedule lives in Redis only, so it is put there at the start, at every connect and every minute.
   */
  schedule<T>(kind: JobKind<T>, { everyMs, data }: { everyMs: number; data: T }): Service {
    const template = { name: kind.name, data, opts: optionsOf(kind) };
    const upsert = () => this.use((queue) => queue.upsertJobScheduler(kind.name, { every: everyMs }, template));
    const loop = createLoop({
      name: `schedule-${kind.name}`,
      log: this.log,
      idleMs: UPSERT_TICK_MS,
      runOnce: async () => {
        await upsert();
        return false;
      },
    });
    const onReady = () => {
      // What fails here the loop makes up for.
      upsert().catch(() => undefined);
    };
    return {
      name: loop.name,
      start: async () => {
        this.client.off("ready", onReady).on("ready", onReady);
        await loop.start();
      },
      stop: async () => {
        this.client.off("ready", onReady);
        await loop.stop();
      },
    };
  }

  /** How a job stands. @returns `null` for one that is not (any more) known */
  async outcome(id: string): Promise<JobOutcome | null> {
    return this.use(async (queue) => {
      // In this order: a job read before it ended would have no result yet.
      const state = await queue.getJobState(id);
      const job = await queue.getJob(id);
      if (job === undefined) return null;
      if (state === "completed") return { state, result: job.returnvalue };
      if (state === "failed") return { state, reason: job.failedReason ?? "" };
      return { state: state === "active" ? "active" : "waiting" };
    });
  }

  counts(): Promise<QueueCounts> {
    return this.use(async (queue) => {
      const {
        waiting = 0,
        prioritized = 0,
        active = 0,
        delayed = 0,
        failed = 0,
      } = await queue.getJobCounts("waiting", "prioritized", "active", "delayed", "failed");
      return { waiting: waiting + prioritized, active, delayed, failed };
    });
  }

  /** The jobs under way, at most 100. */
  running(): Promise<RunningJob[]> {
    return this.use(async (queue) => {
      const jobs = await queue.getActive(0, MAX_LISTED - 1);
      return jobs.map(({ id, name, data, processedOn }) => ({
        queue: this.name,
        id: String(id),
        name,
        summary: JSON.stringify(data).slice(0, MAX_SUMMARY_CHARACTERS),
        startedAt: processedOn === undefined ? null : new Date(processedOn),
      }));
    });
  }

  /** Leaves the connection alone: it is shared. */
  async close(): Promise<void> {
    const queue = this.opened;
    this.opened = null;
    if (queue !== null) await withDeadline(queue.close(), CLOSE_TIMEOUT_MS, "closing a queue").catch(() => undefined);
  }

  private async use<T>(work: (queue: BullQueue) => Promise<T>): Promise<T> {
    if (!isLive(this.client)) throw new QueueUnavailableError(this.name);
    return withDeadline(work(this.open()), CALL_TIMEOUT_MS, `a call to the queue ${this.name}`);
  }

  private open(): BullQueue {
    if (this.opened !== null) return this.opened;
    const queue: BullQueue = new Queue(this.name, {
      connection: this.client,
      prefix: this.prefix,
      streams: { events: { maxLen: 1_000 } },
    });
    queue.on("error", errorListener(this.log, `queue ${this.name}`));
    queue.waitUntilReady().catch(() => {
      if (this.opened === queue) this.opened = null;
      queue.close().catch(() => undefined);
    });
    this.opened = queue;
    return queue;
  }
}

/** A cluster's client says "ready" too. */
const isLive = (client: JobsClient) => client.status === "ready";

function optionsOf(kind: JobKind<unknown>): JobsOptions {
  return { ...KEPT, attempts: kind.attempts, backoff: { type: "exponential", delay: kind.backoffMs } };
}
