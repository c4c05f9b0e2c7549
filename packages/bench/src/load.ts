/**
 * The load of every figure: the same generator, connections and requests for the baseline and for us, so that what is
 * compared is the server.
 */
import { setTimeout as delay } from "node:timers/promises";
import autocannon from "autocannon";

export interface VoteHttpRequest {
  /** POST when left out. */
  method?: "GET";
  headers: Record<string, string>;
  body?: string;
  onResponse?: (status: number, body: string) => void;
}

export interface LoadResult {
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  /** Answers that were not 2xx, and requests without one. Anything but 0 makes the figure worthless. */
  failures: number;
}

const CONNECTIONS = 64;
/**
 * A generator with a rate sends what is due in a second at its beginning, and then nothing: no crowd does that. So a rate is
 * shared by many, which begin one after the other.
 */
const WAVES_A_SECOND = 16;

interface Load {
  url: string;
  requests: readonly VoteHttpRequest[];
  seconds: number;
  /** Requests per second; as many as possible when left out. */
  rate?: number;
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const waves = load.rate === undefined ? [runWave(load, CONNECTIONS)] : wavesOf(load, load.rate);
  const results = await Promise.all(waves);
  const latenciesMs = results.flatMap((result) => result.latenciesMs).sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
  const sum = (of: (result: Wave) => number) => results.reduce((total, result) => total + of(result), 0);
  return {
    perSecond: sum(({ perSecond }) => perSecond),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    failures: sum(({ failures }) => failures),
  };
}

function wavesOf({ url, requests, seconds }: Load, rate: number): Promise<Wave>[] {
  return Array.from({ length: WAVES_A_SECOND }, async (_, wave) => {
    const own = requests.filter((_, i) => i % WAVES_A_SECOND === wave);
    await delay((1_000 / WAVES_A_SECOND) * wave);
    return runWave({ url, requests: own, seconds, rate: rate / WAVES_A_SECOND }, CONNECTIONS / WAVES_A_SECOND);
  });
}

interface Wave {
  perSecond: number;
  latenciesMs: number[];
  failures: number;
}

async function runWave({ url, requests, seconds, rate }: Load, connections: number): Promise<Wave> {
  const latenciesMs: number[] = [];
  let clients = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    ...(rate === undefined ? {} : { overallRate: rate }),
    // Each connection has requests of its own: the same vote from all of them would be one vote and 63 refusals.
    setupClient: (client) => {
      const own = clients++;
      const some = requests.filter((_, i) => i % connections === own);
      client.on("response", (_status, _bytes, responseMs) => latenciesMs.push(responseMs));
      client.setRequests((some.length > 0 ? some : requests).map((request) => ({ method: "POST", ...request })));
    },
  });
  return {
    perSecond: result["2xx"] / result.duration,
    latenciesMs,
    failures: result.non2xx + result.errors,
  };
}

/** @throws when anything was refused or unanswered */
export function answered(result: LoadResult): LoadResult {
  if (result.failures > 0) {
    throw new Error(`${result.failures} requests were refused or unanswered: the figures mean nothing`);
  }
  return result;
}
