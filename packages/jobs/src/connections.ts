/**
 * Connections for BullMQ, which wants two sorts. Who adds jobs fails at once while Redis is away; who does them waits for
 * ever, because BullMQ's worker takes a failed read for an error and not for an outage.
 *
 * Both always have a command timeout. A worker's is far above the ten seconds that BullMQ blocks at most: it only ends
 * reads on a connection that died without a word.
 */
import { Cluster, Redis } from "ioredis";

export type JobsClient = Redis | Cluster;

export interface JobsAddress {
  url?: string | undefined;
  cluster?: string | undefined;
}

const MAX_RECONNECT_DELAY_MS = 1_000;
const reconnectDelayMs = (attempt: number) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS);

const PRODUCER = {
  commandTimeout: 1_000,
  connectTimeout: 2_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: reconnectDelayMs,
};

const WORKER = {
  commandTimeout: 30_000,
  connectTimeout: 2_000,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  retryStrategy: reconnectDelayMs,
};

export const connectProducer = (address: JobsAddress, name: string) => connect(address, name, PRODUCER);

export interface WorkerConnection {
  client: JobsClient;
  disconnect(): void;
}

/**
 * BullMQ makes a second connection out of the one it gets, for blocking reads, and can only close it while Redis answers.
 * So it is remembered, and both are ended together.
 */
export function connectWorker(address: JobsAddress, name: string): WorkerConnection {
  const client = connect(address, name, WORKER);
  const all = [client];
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => JobsClient;
  Object.assign(client, {
    duplicate: (...args: unknown[]) => {
      const made = duplicate(...args);
      all.push(made);
      return made;
    },
  });
  return {
    client,
    disconnect: () => {
      for (const one of all) one.disconnect();
    },
  };
}

function connect({ url, cluster }: JobsAddress, name: string, options: typeof PRODUCER | typeof WORKER): JobsClient {
  const redisOptions = { ...options, connectionName: name };
  if (cluster !== undefined) {
    const { enableOfflineQueue } = options;
    return new Cluster(nodesOf(cluster), { redisOptions, enableOfflineQueue, clusterRetryStrategy: reconnectDelayMs });
  }
  if (url === undefined) throw new Error("set REDIS_URL or REDIS_CLUSTER");
  return new Redis(url, redisOptions);
}

function nodesOf(cluster: string): { host: string; port: number }[] {
  return cluster.split(",").map((node) => {
    const [host, port] = node.split(":");
    return { host: host as string, port: Number(port) };
  });
}
