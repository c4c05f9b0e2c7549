/**
 * The load of every figure: the same generator, connections and duration for the baseline and for us, so that what is
 * compared is the server.
 */
import autocannon from "autocannon";

export interface LoadOptions {
  url: string;
  path: string;
  /** Sent one after the other, over and over. */
  requests: { headers: Record<string, string>; body: string }[];
  seconds: number;
  /** Requests per second; as many as possible when left out. */
  rate?: number;
}

export interface LoadResult {
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  /** Answers by status class; anything but 2xx makes a figure worthless and is shown. */
  non2xx: number;
  errors: number;
}

const CONNECTIONS = 64;

export async function runLoad(o: LoadOptions): Promise<LoadResult> {
  const result = await autocannon({
    url: `${o.url}${o.path}`,
    method: "POST",
    connections: CONNECTIONS,
    duration: o.seconds,
    ...(o.rate === undefined ? {} : { overallRate: o.rate }),
    requests: o.requests,
  });
  return {
    perSecond: result["2xx"] / result.duration,
    p50Ms: result.latency.p50,
    p95Ms: percentile95(result),
    p99Ms: result.latency.p99,
    non2xx: result.non2xx,
    errors: result.errors,
  };
}
