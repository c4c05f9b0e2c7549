/** What this package's own tests share. Nothing here is for use elsewhere. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "./log.js";
import { identifyProcess, parseIdentity } from "./process-identity.js";
import { waitUntil } from "./wait-until.js";

export const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** A log that remembers what it was told. */
export function rememberingLog(): Log & { messages: string[] } {
  const messages: string[] = [];
  const remember = (_info: object, message: string) => void messages.push(message);
  return { info: remember, warn: remember, messages };
}

/** Runs the test with a folder of its own, and removes it. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "votesync-local-stack-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The pid this package recorded for a process of that name; null while there is none. */
export async function recordedPid(dataDir: string, name: string): Promise<number | null> {
  const text = await readFile(join(dataDir, "run", `${name}.json`), "utf8").catch(() => "{}");
  const { process: recorded } = JSON.parse(text) as { process?: unknown };
  return parseIdentity(JSON.stringify(recorded ?? null))?.pid ?? null;
}

export async function untilGone(pid: number): Promise<void> {
  const gone = async () => ((await identifyProcess(pid)) === null ? true : null);
  await waitUntil(`process ${pid} to be gone`, gone, { deadlineMs: 10_000 });
}

/** A program under test, with what it printed. */
export class Program {
  output = "";

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
  }

  static run(script: string, args: string[], env: NodeJS.ProcessEnv): Program {
    return new Program(spawn(process.execPath, [script, ...args], { env: { PATH: process.env.PATH, ...env } }));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async untilPrinted(text: string): Promise<void> {
    const printed = () => {
      if (this.output.includes(text)) return true;
      if (this.child.exitCode === null) return null;
      return false;
    };
    const found = await waitUntil(`"${text}" in the output`, printed, { deadlineMs: 60_000 });
    if (!found) throw new Error(`ended without printing "${text}"; printed:\n${this.output}`);
  }

  /** @returns the exit code, null when a signal killed it */
  async exit(signal?: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const closed = once(this.child, "close", { signal: AbortSignal.timeout(60_000) });
    if (signal !== undefined) this.child.kill(signal);
    await closed;
    return this.child.exitCode;
  }
}
