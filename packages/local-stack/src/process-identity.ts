/**
 * Tells a process from a later one that was given the same pid: a pid together with the moment the process started
 * belongs to one process only. Nothing in this package signals a process it did not spawn in this very run before its
 * identity was compared with the recorded one. A zombie counts as gone: it holds no file and no port.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const PS_DEADLINE_MS = 5_000;
/** Positions in /proc/<pid>/stat after the process's name, which may itself hold blanks and brackets. */
const STATE = 0;
const START_TIME = 19;

export interface ProcessIdentity {
  pid: number;
  /** The moment it started, in the words of the operating system; compared, never read. */
  started: string;
}

/** @returns null when there is no such process */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const started = process.platform === "linux" ? await startedOnLinux(pid) : await psField(pid, "lstart");
  return started === null ? null : { pid, started };
}

export async function isAlive(wanted: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(wanted.pid))?.started === wanted.started;
}

/** @returns null when there is no such process */
export async function commandLine(pid: number): Promise<string | null> {
  if (process.platform !== "linux") return psField(pid, "command");
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text === "" ? null : text.replaceAll("\0", " ").trim();
}

let bootId: Promise<string> | undefined;

async function startedOnLinux(pid: number): Promise<string | null> {
  bootId ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "unknown");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[STATE] === "Z" ? null : `${(await bootId).trim()} ${fields[START_TIME]}`;
}

async function psField(pid: number, field: "lstart" | "command"): Promise<string | null> {
  try {
    const options = { timeout: PS_DEADLINE_MS, env: { PATH: "/bin:/usr/bin", LC_ALL: "C" } };
    const { stdout } = await promisify(execFile)("ps", ["-o", `${field}=`, "-p", String(pid)], options);
    return stdout.trim() === "" ? null : stdout.trim();
  } catch {
    return null;
  }
}

let ownIdentity: Promise<ProcessIdentity> | undefined;

export function identifyThisProcess(): Promise<ProcessIdentity> {
  ownIdentity ??= identifyProcess(process.pid).then((found) => found ?? { pid: process.pid, started: "unknown" });
  return ownIdentity;
}

/** @returns null for anything that is no identity */
export function parseIdentity(text: string): ProcessIdentity | null {
  try {
    const { pid, started } = (JSON.parse(text) ?? {}) as Partial<ProcessIdentity>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : null;
  } catch {
    return null;
  }
}
