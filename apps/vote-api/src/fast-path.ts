/**
 * The fast path: one cast in Redis, within a deadline, behind a circuit breaker, and only on a Redis that has the data it
 * should have. Whatever fails here, the fallback takes the vote.
 *
 * The breaker is what makes a frozen Redis cheap: without it every vote would wait for the deadline first. A Redis that is
 * gone refuses at once anyway. What one damaged key makes a script say is that project's trouble, not Redis's.
 */
import type { RedisNames } from "@votesync/core";
import {
  type CastOutcome,
  type CastRequest,
  castVote,
  isOneKeysTrouble,
  type RedisClient,
  type RedisClock,
} from "@votesync/redis-store";
import { withDeadline } from "@votesync/service-kit";
import CircuitBreaker from "opossum";
import type { DegradedHere } from "./degraded-here.js";
import type { RedisTrust } from "./redis-trust.js";

/** A vote takes a few milliseconds; one that takes this long will rather be taken by PostgreSQL. */
const DEADLINE_MS = 400;

const BREAKER = {
  // Ours: it knows a late answer from a late look at it.
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 5,
  rollingCountTimeout: 5_000,
  rollingCountBuckets: 10,
  rollingPercentilesEnabled: false,
  /** So long after it opened, one vote tries again. */
  resetTimeout: 500,
} as const;

/** A cast that has yet to be told its deadline. */
export type Cast = Omit<CastRequest, "deadlineUs">;

export interface FastPathDeps {
  redis: RedisClient;
  names: RedisNames;
  clock: RedisClock;
  trust: RedisTrust;
  degraded: DegradedHere;
  onBreaker: (state: "open" | "close") => void;
}

export interface FastPath {
  /**
   * @param ms how long its caller waits, if that is less than it takes to go elsewhere
   * @throws whatever keeps Redis from answering in time: the outcome is unknown, or nothing was done
   */
  cast(cast: Cast, ms?: number): Promise<CastOutcome>;
  /** Ends the breaker's timer. */
  close(): void;
}

export function createFastPath(deps: FastPathDeps): FastPath {
  const prepare = async (projectId: string): Promise<void> => {
    if (!deps.trust.isTrusted) await deps.trust.ensure();
    await deps.degraded.settle(projectId);
  };
  const attempt = async (cast: Cast, ms: number): Promise<CastOutcome> => {
    let leftMs = Math.min(DEADLINE_MS, ms);
    if (!deps.trust.isTrusted || !deps.degraded.isEmpty) {
      const startedAtMs = performance.now();
      await withDeadline(prepare(cast.projectId), leftMs, "Redis");
      leftMs -= performance.now() - startedAtMs;
    }
    // Run later than that on Redis's clock, it does nothing: its caller has gone elsewhere.
    const deadlineUs = deps.clock.nowUs() + Math.round(leftMs * 1_000);
    const outcome = await withDeadline(castVote(deps.redis, deps.names, { ...cast, deadlineUs }), leftMs, "Redis");
    deps.clock.observe(outcome.nowUs);
    return outcome;
  };
  const breaker = new CircuitBreaker(attempt, { ...BREAKER, errorFilter: isOneKeysTrouble });
  breaker.on("open", () => {
    // From here on other replicas' fallbacks may have taken votes too.
    deps.trust.lose();
    deps.onBreaker("open");
  });
  breaker.on("close", () => deps.onBreaker("close"));
  return { cast: (cast, ms = DEADLINE_MS) => breaker.fire(cast, ms), close: () => breaker.shutdown() };
}
