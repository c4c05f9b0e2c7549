/** Time as the client knows it; tests bring their own. */
export interface Clock {
  nowMs(): number;
  /** @returns what calls it off */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
