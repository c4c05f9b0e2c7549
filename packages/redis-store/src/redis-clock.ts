/**
 * What time it is on Redis's clock, told without asking: every script answer carries the time it ran.
 *
 * A cast's deadline is a moment of Redis's clock, because a paused server or a re-send may run it much later than it
 * was sent, and only Redis can tell. The offset kept is the largest seen lately: a slow answer makes Redis look behind,
 * never ahead.
 */
export class RedisClock {
  private offsetUs = Number.NEGATIVE_INFINITY;
  private observedAtMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs milliseconds since 1970 by a clock that nobody sets: this machine's may jump, and no vote may follow it */
  constructor(private readonly nowMs: () => number = sinceStart) {}

  /** Takes over a time that Redis just answered. */
  observe(redisNowUs: number): void {
    const nowMs = this.nowMs();
    const offsetUs = redisNowUs - nowMs * 1_000;
    if (offsetUs < this.offsetUs && nowMs - this.observedAtMs < OFFSET_KEPT_MS) return;
    this.offsetUs = offsetUs;
    this.observedAtMs = nowMs;
  }

  /** Whether Redis has ever answered. */
  get isKnown(): boolean {
    return Number.isFinite(this.offsetUs);
  }

  /** µs on Redis's clock; this machine's own clock before Redis has answered once. */
  nowUs(): number {
    return Math.round(this.nowMs() * 1_000 + (Number.isFinite(this.offsetUs) ? this.offsetUs : 0));
  }
}

const sinceStart = () => performance.timeOrigin + performance.now();

/** Clocks drift apart slowly; within this time the best estimate stays the best. */
const OFFSET_KEPT_MS = 10_000;
