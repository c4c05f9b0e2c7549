import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { LATENCY_BUCKETS, latencyBucket, latencyPercentile, latencyUpperMs } from "./latency-histogram.js";

const latency = fc.double({ min: 0.2, max: 50_000, noNaN: true });

test("a latency lies within its bucket", () => {
  fc.assert(
    fc.property(latency, (ms) => {
      const bucket = latencyBucket(ms);
      expect(ms).toBeLessThanOrEqual(latencyUpperMs(bucket) * 1.000001);
      expect(ms).toBeGreaterThan(latencyUpperMs(bucket - 1) * 0.999999);
    }),
  );
  expect(latencyBucket(0)).toBe(0);
  expect(latencyBucket(10_000_000)).toBe(LATENCY_BUCKETS - 1);
});

test("percentiles out of buckets are within 5 % of the exact ones, also out of several processes' buckets", () => {
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), fc.constantFrom(0.5, 0.95, 0.99), (all, share) => {
      const counts = new Map<number, number>();
      for (const ms of all) counts.set(latencyBucket(ms), (counts.get(latencyBucket(ms)) ?? 0) + 1);
      const exact = [...all].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * all.length) - 1)] as number;
      const found = latencyPercentile(counts, share) as number;
      expect(found / exact).toBeGreaterThan(0.95);
      expect(found / exact).toBeLessThan(1.05);
    }),
  );
  expect(latencyPercentile(new Map(), 0.5)).toBeNull();
});
