/**
 * Which processes of ours run, across a crash of the supervisor: a file per process in `<data>/run`. A pid alone proves
 * nothing (it may be somebody else's by now), so each file also keeps a word that the command line must hold.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { StackLog } from "./log.js";

export interface RunningProcess {
  pid: number;
  /** Part of its command line: a data folder, a script. */
  marker: string;
}

const TERMINATE_MS = 5_000;
const POLL_MS = 50;

const folder = (dataDir: string) => join(dataDir, "run");
const file = (dataDir: string, name: string) => join(folder(dataDir), `${name}.json`);

export async function rememberProcess(dataDir: string, name: string, running: RunningProcess): Promise<void> {
  await mkdir(folder(dataDir), { recursive: true });
  await writeFile(file(dataDir, name), JSON.stringify(running));
}

export async function forgetProcess(dataDir: string, name: string): Promise<void> {
  await rm(file(dataDir, name), { force: true });
}

/** Ends what an earlier run left behind, one by one, each only if it is still what it was. */
export async function endLeftovers(dataDir: string, log: StackLog): Promise<void> {
  const names = await readdir(folder(dataDir)).catch(() => []);
  for (const name of names) {
    const path = join(folder(dataDir), name);
    const left = await readFile(path, "utf8").then(parse, () => null);
    if (left !== null && (await isRunning(left))) {
      log.warn({ pid: left.pid }, `ending ${name.replace(".json", "")} left behind by an earlier run`);
      await endProcess(left);
    }
    await rm(path, { force: true });
  }
}

function parse(text: string): RunningProcess | null {
  try {
    const { pid, marker } = JSON.parse(text) as Partial<RunningProcess>;
    return typeof pid === "number" && typeof marker === "string" && marker !== "" ? { pid, marker } : null;
  } catch {
    // A crash in the middle of writing it.
    return null;
  }
}

async function endProcess(left: RunningProcess): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    signalProcess(left.pid, signal);
    for (let waited = 0; waited < TERMINATE_MS; waited += POLL_MS) {
      if (!(await isRunning(left))) return;
      await delay(POLL_MS);
    }
  }
}

export async function isRunning({ pid, marker }: RunningProcess): Promise<boolean> {
  return (await commandLine(pid)).includes(marker);
}

/** Empty when there is no such process. */
async function commandLine(pid: number): Promise<string> {
  try {
    // A zombie has no command line any more, which is right: it is gone.
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ");
  } catch {
    if (process.platform === "linux") return "";
    const ps = promisify(execFile)("ps", ["-o", "args=", "-p", String(pid)], { timeout: 2_000 });
    return ps.then(({ stdout }) => stdout).catch(() => "");
  }
}

/** @returns whether there was such a process */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
