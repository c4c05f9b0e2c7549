/** Servers somebody else runs: used as they are, nothing is started or installed for them, only asked whether they answer. */
import { pingMongo, pingPostgres, pingRedis } from "./ping.js";
import type { Store } from "./server-setup.js";
import { waitUntil } from "./wait-until.js";

/** Long enough for a server that is being started beside us, as in a compose file. */
const REACHABLE_DEADLINE_MS = 15_000;

export interface GivenServer {
  variable: string;
  /** As it was given. */
  value: string;
  url: string;
}

/** What the environment names for this store; an empty variable counts as unset. */
export function givenServer(store: Store, env: NodeJS.ProcessEnv): GivenServer | null {
  const cluster = env.REDIS_CLUSTER;
  if (store === "redis" && cluster) {
    return { variable: "REDIS_CLUSTER", value: cluster, url: `redis://${cluster.split(",", 1)[0]}` };
  }
  const variable = { redis: "REDIS_URL", postgres: "DATABASE_URL", mongo: "MONGO_URL" }[store];
  const value = env[variable];
  return value ? { variable, value, url: value } : null;
}

/** @throws naming the variable and the host, never the password */
export async function assertReachable(
  store: Store,
  given: GivenServer,
  o: { deadlineMs?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const ping = { redis: pingRedis, postgres: pingPostgres, mongo: pingMongo }[store];
  const urls =
    given.variable === "REDIS_CLUSTER" ? given.value.split(",").map((node) => `redis://${node}`) : [given.url];
  const answers = async () => {
    await Promise.any(urls.map(ping)).catch((error: AggregateError) => Promise.reject(error.errors[0]));
    return true;
  };
  const what = `${given.variable} is set, but the server at ${urls.map(hostOf).join(", ")} does not answer`;
  await waitUntil(what, answers, { deadlineMs: o.deadlineMs ?? REACHABLE_DEADLINE_MS, signal: o.signal });
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "(not a URL)";
  }
}
