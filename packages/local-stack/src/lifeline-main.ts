/**
 * Ends processes whose supervisor died. The supervisor writes `+<pid>` and `-<pid>` lines to our standard input; its
 * death closes the pipe, whatever killed it, and then everything still on the list is killed.
 *
 * A process of its own and not a signal handler: nothing runs in a supervisor that got SIGKILL.
 */
import { createInterface } from "node:readline";

const pids = new Set<number>();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) pids.add(pid);
  else pids.delete(pid);
}
for (const pid of pids) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}
