import type { Clock } from "./clock.js";

/** Time that stands still until the test moves it. */
export class TestClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets so much time pass; what is due runs at its own moment, and what follows from it without waiting is awaited. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#nowMs = timer.atMs;
      timer.run();
      await settled();
    }
    this.#nowMs = endMs;
  }

  get waiting(): number {
    return this.#timers.length;
  }

  #next(endMs: number) {
    const due = this.#timers.filter(({ atMs }) => atMs <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
