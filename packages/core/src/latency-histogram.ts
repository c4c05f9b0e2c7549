/**
 * Latencies in buckets that each are 5 % wider than the one before: percentiles out of them are within 5 %, and buckets of
 * several processes can be added up, which percentiles cannot.
 */
const FIRST_MS = 0.1;
const GROWTH = 1.05;
/** The last bucket takes everything above a minute. */
export const LATENCY_BUCKETS = Math.ceil(Math.log(60_000 / FIRST_MS) / Math.log(GROWTH)) + 1;

export function latencyBucket(ms: number): number {
  if (ms <= FIRST_MS) return 0;
  return Math.min(LATENCY_BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH)));
}

/** Up to which latency a bucket reaches. */
export const latencyUpperMs = (bucket: number): number => FIRST_MS * GROWTH ** bucket;

/**
 * @param counts per bucket
 * @param share 0.95 for p95
 * @returns ms, interpolated within its bucket; `null` without any
 */
export function latencyPercentile(counts: ReadonlyMap<number, number>, share: number): number | null {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [bucket, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (left <= count) {
      const lower = bucket === 0 ? 0 : latencyUpperMs(bucket - 1);
      return lower + (latencyUpperMs(bucket) - lower) * (left / count);
    }
    left -= count;
  }
  return latencyUpperMs(LATENCY_BUCKETS - 1);
}
