/** Memory of a process by its id. Of Linux; elsewhere the figure is not to be had. */
import { readFile } from "node:fs/promises";

const TICK_MS = 20;

export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

/** @returns what ends it, and says how much it was at most */
export function watchMemory(pid: number): { stop: () => number } {
  let most = 0;
  const timer = setInterval(async () => {
    const bytes = await residentBytes(pid);
    // A process that has just ended has none.
    if (bytes > most) most = bytes;
  }, TICK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}
