import { SingleBar } from "cli-progress";

/** For long work in a terminal; silent in scripts and logs. */
export function createProgress(what: string): { at: (done: number, total?: number) => void; end: () => void } {
  if (!process.stderr.isTTY) return { at: () => undefined, end: () => undefined };
  const bar = new SingleBar({ format: `{bar} {value} ${what}`, stream: process.stderr, clearOnComplete: true });
  bar.start(0, 0);
  return {
    at: (done, total) => {
      bar.setTotal(total ?? Math.max(done, bar.getTotal()));
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
