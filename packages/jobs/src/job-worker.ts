/**
 * Does the jobs of one queue. It waits for Redis as long as it takes and goes on by itself; a worker of BullMQ that broke
 * beyond that is replaced.
 *
 * Always holds: a job whose process was killed is done by another within a minute, however often that happens (by
 * default BullMQ gives a job up after the second kill); a job that cannot be understood fails at once and is kept to be
 * looked at; stopping waits for what runs, then tells it to end, and never longer than its deadline.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { QueueName } from "@votesync/core";
import { type Logger, type Service, withDeadline } from "@votesync/service-kit";
import { type Job, UnrecoverableError, Worker } from "bullmq";
import type { JobsClient, WorkerConnection } from "./connections.js";
import { errorListener } from "./error-log.js";
import type { JobKind } from "./job.js";

export interface JobContext {
  id: string;
  /** No further try follows this one by itself. */
  isLastTry: boolean;
  /** Says that the worker must stop now; the job will run again. */
  signal: AbortSignal;
}

/** One kind of job and how it is done. */
export interface JobHandler {
  kind: JobKind<unknown>;
  run(data: unknown, context: JobContext): Promise<unknown>;
}

export function handles<T>(kind: JobKind<T>, run: (data: T, context: JobContext) => Promise<unknown>): JobHandler {
  return { kind, run: async (data, context) => run(parse(kind, data), context) };
}

export interface WorkerOptions {
  /** Jobs at the same time. */
  concurrency?: number;
  /** So long a job is its worker's without a sign of life (renewed at half). */
  lockMs?: number;
  /** How often jobs of dead workers are looked for. */
  stalledCheckMs?: number;
  /** What a job under way gets at a stop before it is told to end. */
  stopMs?: number;
}

const DEFAULTS = { concurrency: 1, lockMs: 30_000, stalledCheckMs: 5_000, stopMs: 3_000 };

/** A job survives so many deaths of its worker. */
const MAX_STALLED_COUNT = 10;
/** Pause before the next try when Redis refused. */
const RETRY_MS = 1_000;
const FORCED_CLOSE_MS = 1_000;

export class JobWorker implements Service {
  readonly name: string;
  private readonly options: Required<WorkerOptions>;
  private readonly handlers: Map<string, JobHandler>;
  private stopping: AbortController | null = null;
  private supervised: Promise<void> = Promise.resolve();
  private worker: Worker | null = null;
  private closing: Promise<void> = Promise.resolve();
  private readonly underWay = new Set<Promise<void>>();
  private jobsMustEnd = new AbortController();

  constructor(
    private readonly o: {
      queue: QueueName;
      handlers: readonly JobHandler[];
      connect: () => WorkerConnection;
      prefix: string;
      log: Logger;
      options?: WorkerOptions;
    },
  ) {
    this.name = `jobs-${o.queue}`;
    this.options = { ...DEFAULTS, ...o.options };
    this.handlers = new Map(o.handlers.map((handler) => [handler.kind.name, handler]));
  }

  async start(): Promise<void> {
    if (this.stopping !== null) return;
    this.stopping = new AbortController();
    this.jobsMustEnd = new AbortController();
    this.supervised = this.supervise(this.stopping.signal);
  }

  async stop(): Promise<void> {
    this.stopping?.abort();
    await this.closeWorker();
    await this.supervised;
    this.stopping = null;
  }

  /** BullMQ's worker runs until it is closed; when it ends otherwise, another takes its place. */
  private async supervise(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = this.o.connect();
      connection.client.on("error", errorListener(this.o.log, this.name));
      const worker = this.createWorker(connection.client);
      this.worker = worker;
      // Without Redis `run` does not end even when its worker is closed.
      await Promise.race([this.run(worker, signal), aborted(signal)]);
      await this.closeWorker();
      connection.disconnect();
      if (!signal.aborted) await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async run(worker: Worker, signal: AbortSignal): Promise<void> {
    try {
      await worker.run();
    } catch (error) {
      if (!signal.aborted) this.o.log.error({ err: error, worker: this.name }, "worker ended; starting another");
    }
  }

  private createWorker(client: JobsClient): Worker {
    const worker = new Worker(this.o.queue, (job) => this.process(job), {
      connection: client,
      prefix: this.o.prefix,
      autorun: false,
      concurrency: this.options.concurrency,
      lockDuration: this.options.lockMs,
      stalledInterval: this.options.stalledCheckMs,
      maxStalledCount: MAX_STALLED_COUNT,
      runRetryDelay: RETRY_MS,
    });
    worker.on("error", errorListener(this.o.log, this.name));
    worker.on("failed", (job, error) =>
      this.o.log.error({ err: error, queue: this.o.queue, job: job?.name, id: job?.id }, "job failed"),
    );
    worker.on("stalled", (id) => this.o.log.warn({ queue: this.o.queue, id }, "job of a dead worker, doing it again"));
    return worker;
  }

  private async process(job: Job): Promise<unknown> {
    const handler = this.handlers.get(job.name);
    if (handler === undefined) throw new UnrecoverableError("nobody here does jobs of this name");
    const isLastTry = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    const done = handler.run(job.data, { id: String(job.id), isLastTry, signal: this.jobsMustEnd.signal });
    const ended: Promise<void> = done.then(noop, noop).then(() => void this.underWay.delete(ended));
    this.underWay.add(ended);
    return done;
  }

  /** Shared by all who stop it at the same time. */
  private closeWorker(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    if (worker !== null) this.closing = this.closeInTime(worker);
    return this.closing;
  }

  private async closeInTime(worker: Worker): Promise<void> {
    const closed = worker.close();
    const jobsEnded = Promise.race([closed, Promise.all(this.underWay)]);
    await withDeadline(jobsEnded, this.options.stopMs, this.name).catch((error: unknown) =>
      this.jobsMustEnd.abort(error),
    );
    // Without Redis it cannot say goodbye, and would try for ever.
    await withDeadline(closed, FORCED_CLOSE_MS, this.name).catch(noop);
  }
}

const noop = () => undefined;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** @throws {UnrecoverableError} no further try makes the data right */
function parse<T>(kind: JobKind<T>, data: unknown): T {
  const parsed = kind.schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnrecoverableError(`not the data of ${kind.name}: ${issue?.path.join(".")} ${issue?.message}`);
}
