/**
 * No process of ours outlives the one that started it, not even after `kill -9` of it.
 *
 * On Linux the kernel does that: `setpriv --pdeathsig KILL` (util-linux) asks it to kill the child when its parent
 * dies. That needs no process in between that could itself be killed, costs nothing, and leaves one process per
 * service, so a pid found by its command line is the right one. The children survive a SIGKILL by design: what they
 * promise holds after a power cut too. Elsewhere (macOS, a Linux without util-linux) one small process holds a pipe to
 * us and kills our children when it closes (lifeline-main.ts). What slips through both is ended by the next start,
 * which finds it in the records (process-record.ts).
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";

const SETPRIV_PATHS = ["/usr/bin/setpriv", "/bin/setpriv"];
const PROBE_DEADLINE_MS = 5_000;
const RESTART_DELAY_MS = 100;

let knownSetpriv: string | null | undefined;

/** util-linux's setpriv, or null; busybox has a smaller one of that name. */
export function findSetpriv(): string | null {
  if (knownSetpriv === undefined) {
    const works = (path: string) =>
      spawnSync(path, ["--pdeathsig", "KILL", "--", "true"], { timeout: PROBE_DEADLINE_MS }).status === 0;
    knownSetpriv = process.platform === "linux" ? (SETPRIV_PATHS.find(works) ?? null) : null;
  }
  return knownSetpriv;
}

/** Kills what it guards when this process dies. */
export interface Lifeline {
  guard(pid: number): void;
  release(pid: number): void;
}

let shared: Lifeline | undefined;

/** The one of this process. */
export function pipeLifeline(): Lifeline {
  shared ??= openPipeLifeline();
  return shared;
}

/** Runs lifeline-main.js, again whenever it dies, as long as there is something to guard. */
function openPipeLifeline(): Lifeline {
  const pids = new Set<number>();
  let guard: ChildProcess | null = null;
  const tell = (line: string) => guard?.stdin?.write(`${line}\n`);
  const run = () => {
    if (guard !== null || pids.size === 0) return;
    guard = startGuard();
    guard.once("close", () => {
      guard = null;
      setTimeout(run, RESTART_DELAY_MS).unref();
    });
    for (const pid of pids) tell(`+${pid}`);
  };
  return {
    guard: (pid) => {
      pids.add(pid);
      if (guard === null) run();
      else tell(`+${pid}`);
    },
    release: (pid) => {
      pids.delete(pid);
      tell(`-${pid}`);
    },
  };
}

function startGuard(): ChildProcess {
  // From src/ (tests) and from dist/ alike.
  const main = fileURLToPath(new URL("../dist/lifeline-main.js", import.meta.url));
  const guard = spawn(process.execPath, [main], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  // A failure shows as its end, which starts the next one.
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  // It waits for our end; we must not wait for its.
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}
