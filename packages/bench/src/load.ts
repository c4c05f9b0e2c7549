/**
 * The load of every figure: the same generator, connections and requests for the baseline and for us, so that what is
 * compared is the server.
 */
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

/** @param o.rate requests per second; as many as possible when left out */
export async function runLoad(o: {
  url: string;
  requests: readonly VoteHttpRequest[];
  seconds: number;
  rate?: number;
}): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  let clients = 0;
  const result = await autocannon({
    url: o.url,
    connections: CONNECTIONS,
    duration: o.seconds,
    ...(o.rate === undefined ? {} : { overallRate: o.rate }),
    // Each connection has requests of its own: the same vote from all of them would be one vote and 63 refusals.
    setupClient: (client) => {
      const own = clients++;
      const some = o.requests.filter((_, i) => i % CONNECTIONS === own);
      const requests = some.length > 0 ? some : o.requests;
      client.on("response", (_status, _bytes, responseMs) => latenciesMs.push(responseMs));
      client.setRequests(requests.map((request) => ({ method: "POST", ...request })));
    },
  });
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
  return {
    perSecond: result["2xx"] / result.duration,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
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
