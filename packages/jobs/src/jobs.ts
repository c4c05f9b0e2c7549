/**
 * The one way this project uses BullMQ. BullMQ is the alarm clock, not the truth: what is to be done stands in tables,
 * everything a job does may run twice, and a sweep finds what no job did.
 */
import { QUEUE_PREFIX, type QueueName } from "@votesync/core";
import type { Logger } from "@votesync/service-kit";
import { connectProducer, connectWorker, type JobsAddress } from "./connections.js";
import { errorListener } from "./error-log.js";
import { JobQueue } from "./job-queue.js";
import { type JobHandler, JobWorker, type WorkerOptions } from "./job-worker.js";

export interface Jobs {
  queue(name: QueueName): JobQueue;
  /** A service that does the queue's jobs, on connections of its own. */
  worker(name: QueueName, handlers: readonly JobHandler[], options?: WorkerOptions): JobWorker;
  /** Of the queues; workers are stopped as the services they are. */
  close(): Promise<void>;
}

export interface JobsOptions extends JobsAddress {
  /** Of the connections, for whoever looks at Redis. */
  name: string;
  log: Logger;
  /** Keeps tests on one Redis apart; must be a hash tag. */
  prefix?: string;
}

/** Connects in the background and keeps trying; calls fail at once until it succeeds. */
export function connectJobs({ url, cluster, name, log, prefix = QUEUE_PREFIX }: JobsOptions): Jobs {
  const address = { url, cluster };
  const client = connectProducer(address, `${name}-jobs`);
  client.on("error", errorListener(log, "queues"));
  const queues = new Map<QueueName, JobQueue>();
  return {
    queue: (queueName) => {
      const queue = queues.get(queueName) ?? new JobQueue(queueName, client, prefix, log);
      queues.set(queueName, queue);
      return queue;
    },
    worker: (queue, handlers, options = {}) =>
      new JobWorker({
        queue,
        handlers,
        options,
        prefix,
        log,
        connect: () => connectWorker(address, `${name}-${queue}`),
      }),
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      client.disconnect();
    },
  };
}
